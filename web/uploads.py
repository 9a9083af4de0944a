"""/v1/uploads: files that arrive in as many requests as it takes (tus 1.0), and then become jobs."""

from http import HTTPStatus

from apiflask import APIBlueprint
from flask import Response, request

from jobs.errors import (
    UnsupportedFormat,
    UploadChecksumMismatch,
    UploadEmpty,
    UploadLengthMismatch,
    UploadLocked,
    UploadNotFound,
    UploadOffsetMismatch,
    UploadTooLarge,
)
from jobs.hold import Hold, upload_hold
from jobs.incoming import CHECKSUMS, Checksum
from jobs.submission import NOT_TAKEN
from jobs.upload import Arrived
from web import tus
from web.answers import empty_answer
from web.idempotency import idempotent, settle
from web.openapi import BINARY, NUMBER, TEXT, answer, errors, operation, takes
from web.schemas import UploadView
from web.services import current_owner, services
from web.upload import UploadInterrupted, body_pieces

blueprint = APIBlueprint("uploads", __name__, url_prefix="/v1/uploads", tag="Uploads")

_VERSION = {"Tus-Resumable": {"required": True, "schema": {"type": "string", "const": tus.VERSION}}}
_COUNT = {"type": "string", "pattern": "^[0-9]{1,10}$"}  # a header is text; no upload has more bytes by default
_LENGTH = {"Upload-Length": NUMBER, "Upload-Defer-Length": TEXT}
_STANDING = {"Upload-Offset": NUMBER, "Upload-Expires": TEXT, tus.JOB_HEADER: TEXT}


@blueprint.before_request
def _check_version() -> None:
    if request.method not in ("OPTIONS", "GET"):
        tus.check_version(request)


@blueprint.after_request
def _name_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = tus.VERSION
    if response.status_code == HTTPStatus.PRECONDITION_FAILED:
        response.headers["Tus-Version"] = tus.VERSION
    return response


@blueprint.route("", methods=["OPTIONS"], provide_automatic_options=False)
@blueprint.doc(
    operation_id="uploadCapabilities",
    responses={
        **errors(),
        204: answer(
            "What is spoken here",
            headers={
                "Tus-Version": TEXT,
                "Tus-Extension": TEXT,
                "Tus-Max-Size": NUMBER,
                "Tus-Checksum-Algorithm": TEXT,
            },
        ),
    },
    extensions=takes(open=True),
)
def capabilities() -> Response:
    """Ask what of tus 1.0 is spoken here"""
    return empty_answer(
        204,
        {
            "Tus-Version": tus.VERSION,
            "Tus-Extension": tus.EXTENSIONS,
            "Tus-Max-Size": str(services().settings.max_upload_bytes),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@blueprint.post("")
@idempotent(streamed=True)
@blueprint.doc(
    operation_id="createUpload",
    responses={
        201: answer("Begun", headers={"Location": TEXT, **_STANDING}),
        **errors(
            422,
            503,
            tus.TusHeader,
            tus.TusVersion,
            UploadTooLarge,
            tus.NotTusBytes,
            *NOT_TAKEN,
        ),
    },
    extensions=takes(
        headers={
            **_VERSION,
            "Upload-Length": {
                "schema": _COUNT,
                "description": "The file's size in bytes, at most what Tus-Max-Size says; this or Upload-Defer-Length.",
            },
            "Upload-Defer-Length": {
                "schema": {"type": "string", "const": "1"},
                "description": "The size isn't known yet.",
            },
            "Upload-Metadata": {
                "schema": {"type": "string", "maxLength": tus.MAX_METADATA_CHARS, "pattern": tus.METADATA_PATTERN},
                "description": "Pairs of key and base64: `filename`; `submit` as `true`; any option of a job.",
            },
        },
        streams=True,
    ),
)
def create() -> Response:
    """Begin a resumable upload

    Upload-Length is the file's size in bytes; where it isn't known yet, Upload-Defer-Length: 1 stands in its place, and
    a later PATCH has it. Upload-Metadata may name the file (`filename`), and with `submit` set to `true` the upload
    becomes a job when its last byte is there, with whatever options of a job are beside it. Bytes may come with this
    request already, as application/offset+octet-stream.
    """
    text, pairs = tus.metadata(request)
    size_bytes = tus.new_length(request)
    has_bytes = bool(request.content_length or request.headers.get("Transfer-Encoding"))
    if has_bytes:
        tus.check_body_type(request)
    given_checksum = tus.checksum(request)
    settle(str(size_bytes), text)
    uploads = services().uploads
    upload = uploads.create(
        current_owner(),
        size_bytes,
        filename=tus.filename(pairs),
        metadata=text,
        options=tus.options(pairs),
        submit=tus.wants_job(pairs),
    )
    with upload_hold(uploads.ledger, upload.id) as hold:
        arrived = uploads.find(upload.id, upload.owner)
        if has_bytes:
            arrived = _add(hold, arrived, 0, given_checksum)
    return empty_answer(201, {"Location": f"/v1/uploads/{upload.id}", **_standing(arrived)})


@blueprint.get("/<upload_id>")
@blueprint.output(UploadView)
@blueprint.doc(
    operation_id="getUpload",
    responses=errors(503, UploadNotFound),
    extensions=takes(
        head=operation(
            "headUpload",
            "Ask how much of an upload is here, as tus has it",
            {
                200: answer("The offset", headers={**_STANDING, **_LENGTH, "Upload-Metadata": TEXT}),
                400: answer("No Tus-Resumable"),
                404: answer(UploadNotFound.title),
                412: answer(tus.TusVersion.title),
                503: answer("The store is away"),
            },
            tag="Uploads",
            headers=_VERSION,
        )
    ),
)
def get(upload_id: str) -> Response:
    """See how much of an upload is here

    HEAD gives the same headers, as tus has it.
    """
    arrived = services().uploads.find(upload_id, current_owner())
    upload = arrived.upload
    view = UploadView(
        id=upload.id,
        filename=upload.filename,
        size_bytes=upload.size_bytes,
        offset=arrived.offset,
        created_at=upload.created_at,
        expires_at=services().uploads.expires_at(arrived),
        job_id=upload.job_id if upload.is_job else None,
    )
    headers = {**tus.length(upload), **_standing(arrived)}
    if upload.metadata:
        headers["Upload-Metadata"] = upload.metadata
    return Response(view.model_dump_json(), headers=headers, content_type="application/json")


@blueprint.patch("/<upload_id>")
@blueprint.doc(
    operation_id="addToUpload",
    responses={
        204: answer("Added", headers=_STANDING),
        **errors(
            503,
            tus.TusHeader,
            tus.TusVersion,
            tus.NotTusBytes,
            UploadInterrupted,
            UploadNotFound,
            UploadOffsetMismatch,
            UploadLengthMismatch,
            UploadTooLarge,
            UploadLocked,
            UploadChecksumMismatch,
            UnsupportedFormat,
            UploadEmpty,
            *NOT_TAKEN,
        ),
    },
    extensions=takes(
        {tus.BODY_TYPE: BINARY},
        headers={
            **_VERSION,
            "Upload-Offset": {"required": True, "schema": _COUNT, "description": "Where these bytes belong."},
            "Upload-Length": {"schema": _COUNT, "description": "The file's size, where it wasn't known before."},
        },
    ),
)
def add(upload_id: str) -> Response:
    """Add bytes to an upload

    From Upload-Offset on, which must be what HEAD tells; with Upload-Length, where the file's size wasn't known before.
    Where the connection breaks, what came before stays. With `Upload-Checksum` (an algorithm, a space, the digest in
    base64) all of the bytes are kept, or none.
    """
    tus.check_body_type(request)
    offset = tus.count(request, "Upload-Offset")
    given_checksum = tus.checksum(request)
    uploads = services().uploads
    uploads.find(upload_id, current_owner())
    with upload_hold(uploads.ledger, upload_id) as hold:
        arrived = uploads.find(upload_id, current_owner())
        if "Upload-Length" in request.headers:
            arrived = uploads.announce(arrived, tus.count(request, "Upload-Length"))
        arrived = _add(hold, arrived, offset, given_checksum)
    return empty_answer(204, _standing(arrived))


@blueprint.delete("/<upload_id>")
@blueprint.doc(
    operation_id="deleteUpload",
    responses={204: answer("Gone"), **errors(503, tus.TusHeader, tus.TusVersion, UploadNotFound, UploadLocked)},
    extensions=takes(headers=_VERSION),
)
def delete(upload_id: str) -> Response:
    """Give an upload up, and forget what is here of it; a job that was made of it stays"""
    uploads = services().uploads
    arrived = uploads.find(upload_id, current_owner())
    with upload_hold(uploads.ledger, upload_id):
        uploads.remove(arrived)
    return empty_answer()


def _add(hold: Hold, arrived: Arrived, offset: int, checksum: Checksum | None) -> Arrived:
    """Take the request's bytes, and make the job if they were the last and the client wants one."""
    uploads = services().uploads
    most, beyond = uploads.most_bytes(arrived.upload)
    if request.content_length and offset + request.content_length > most:
        raise beyond
    return uploads.add(hold, arrived, offset, body_pieces(request), announced=request.content_length, checksum=checksum)


def _standing(arrived: Arrived) -> dict[str, str]:
    return tus.standing(arrived, services().uploads.expires_at(arrived))
