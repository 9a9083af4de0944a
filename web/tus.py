"""What tus 1.0 says in headers: https://tus.io/protocols/resumable-upload. Read strictly, written in one place."""

import base64
import json
import re
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from flask import Request
from pydantic import ValidationError

from jobs.errors import InvalidRequest, RequestError
from jobs.incoming import CHECKSUMS, Checksum
from jobs.job import JobOptions
from jobs.upload import Arrived, Upload
from web.problems import InvalidFields

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,creation-defer-length,expiration,checksum,termination"
BODY_TYPE = "application/offset+octet-stream"
MAX_METADATA_CHARS = 4096
#: pairs of a key and, after a space, its value in base64
METADATA_PATTERN = (
    r"^(?:[!-+\--~]+(?: (?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)?"
    r"(?:,[!-+\--~]+(?: (?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)?)*)?$"
)
#: keys under which clients send the file's name
NAMES = ("filename", "name")
#: where the job of an upload is to be found
JOB_HEADER = "Tingxie-Job"

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_METADATA = re.compile(METADATA_PATTERN)


class TusHeader(RequestError):
    type = "upload-header"
    title = "A header of the tus protocol is missing or malformed"
    remedy = "Correct it; docs/api.md shows every request."
    status = 400


class TusVersion(RequestError):
    type = "upload-protocol"
    title = "This version of the tus protocol isn't spoken here"
    remedy = f"Speak {VERSION}."
    status = 412


class NotTusBytes(RequestError):
    type = "upload-media-type"
    title = "The bytes of an upload have a media type of their own"
    remedy = f"Send them with Content-Type: {BODY_TYPE}."
    status = 415


def check_version(request: Request) -> None:
    """Raises TusHeader for no version, TusVersion for another one than ours."""
    asked = request.headers.get("Tus-Resumable", "")
    if not _VERSION.fullmatch(asked):
        raise TusHeader(f"Tus-Resumable must be {VERSION}.")
    if asked != VERSION:
        raise TusVersion(f"Tus-Resumable is {asked}.")


def check_body_type(request: Request) -> None:
    if request.mimetype != BODY_TYPE:
        raise NotTusBytes(f"The Content-Type is {request.mimetype[:64] or 'missing'}.")


def count(request: Request, name: str) -> int:
    """A header that is a number of bytes."""
    text = request.headers.get(name, "")
    if not text.isascii() or not text.isdecimal() or len(text) > len(str(1 << 53)):
        raise TusHeader(f"{name} must be a number of bytes.")
    return int(text)


def new_length(request: Request) -> int | None:
    """Of an upload that begins: its bytes, or None where the client will know them later."""
    deferred = request.headers.get("Upload-Defer-Length")
    if deferred is None:
        return count(request, "Upload-Length")
    if deferred != "1" or "Upload-Length" in request.headers:
        raise TusHeader("Upload-Defer-Length must be 1, and in place of Upload-Length.")
    return None


def checksum(request: Request) -> Checksum | None:
    text = request.headers.get("Upload-Checksum")
    if text is None:
        return None
    algorithm, _, digest = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise TusHeader(f"Upload-Checksum must begin with one of {', '.join(CHECKSUMS)}.")
    try:
        return Checksum(algorithm, base64.b64decode(digest, validate=True))
    except ValueError as error:
        raise TusHeader("Upload-Checksum must end with the digest in base64.") from error


def metadata(request: Request) -> tuple[str, dict[str, bytes]]:
    """Upload-Metadata as it came, and its pairs."""
    text = request.headers.get("Upload-Metadata", "")
    if len(text) > MAX_METADATA_CHARS or not _METADATA.fullmatch(text):
        raise TusHeader(f"Upload-Metadata must be pairs of key and base64, at most {MAX_METADATA_CHARS} characters.")
    pairs = (pair.partition(" ") for pair in text.split(",") if pair)
    return text, {key: base64.b64decode(value) for key, _, value in pairs}


def filename(pairs: Mapping[str, bytes]) -> str:
    return next((pairs[name].decode(errors="replace") for name in NAMES if pairs.get(name)), "")


def wants_job(pairs: Mapping[str, bytes]) -> bool:
    """Whether the upload is to become a job by itself."""
    return pairs.get("submit") == b"true"


def options(pairs: Mapping[str, bytes]) -> JobOptions:
    """What the job is to be. Keys that aren't options are the client's own. Raises InvalidFields."""
    given: dict[str, Any] = {}
    try:
        for name in JobOptions.model_fields.keys() & pairs.keys():
            text = pairs[name].decode()
            given[name] = json.loads(text) if name == "metadata" else text
        return JobOptions.model_validate({name: value for name, value in given.items() if value != ""})
    except ValidationError as error:
        raise InvalidFields.of(error) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("Options in Upload-Metadata must be UTF-8, and its `metadata` a JSON object.") from error


def length(upload: Upload) -> dict[str, str]:
    """The header that says how long an upload will be, or that nobody knows yet."""
    if upload.size_bytes is None:
        return {"Upload-Defer-Length": "1"}
    return {"Upload-Length": str(upload.size_bytes)}


def standing(arrived: Arrived, expires_at: float) -> dict[str, str]:
    """The headers that say how far an upload is."""
    headers = {"Upload-Offset": str(arrived.offset), "Upload-Expires": formatdate(expires_at, usegmt=True)}
    if arrived.upload.is_job:
        headers[JOB_HEADER] = f"/v1/jobs/{arrived.upload.job_id}"
    return headers
