"""What each call of the API sends and how its answer is read; who sends it, and how often, is the clients' business."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx

from tingxie.answers import begun_of, document_of, job_of, page_of, standing_of, transcript_of
from tingxie.form import Form
from tingxie.records import Job, JobPage
from tingxie.standing import Standing
from tingxie.submit_options import SubmitOptions
from tingxie.transcript import Transcript

Answer = TypeVar("Answer")
Format = Literal["txt", "json", "srt", "vtt", "tsv"]
#: the server gives at most this many on a page
MOST_JOBS = 200
_TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request. `repeatable`: sending it again after a lost answer does no harm."""

    method: str
    path: str
    read: Callable[[httpx.Response], Answer]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    repeatable: bool = True


def job_path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def submit(form: Form, size_bytes: int) -> Call[Job]:
    """The body, the form around the file's bytes, is added by the client. The key lets the server know a repetition."""
    return Call(
        "POST",
        "/v1/jobs",
        job_of,
        headers={
            "Content-Type": form.content_type,
            "Content-Length": str(len(form.head) + size_bytes + len(form.tail)),
            "Idempotency-Key": f'"{uuid4()}"',
        },
    )


def begin_upload(filename: str, size_bytes: int, options: SubmitOptions) -> Call[Standing]:
    """A resumable upload that becomes a job with its last byte."""
    pairs = {"filename": filename, "submit": "true", **options.fields()}
    metadata = ",".join(f"{name} {b64encode(text.encode()).decode()}" for name, text in pairs.items())
    return Call(
        "POST",
        "/v1/uploads",
        lambda answer: begun_of(answer, size_bytes),
        headers={
            **_TUS,
            "Upload-Length": str(size_bytes),
            "Upload-Metadata": metadata,
            "Idempotency-Key": f'"{uuid4()}"',
        },
    )


def upload_standing(last: Standing) -> Call[Standing]:
    return Call("HEAD", last.path, lambda answer: standing_of(answer, last), headers=_TUS)


def add_to_upload(last: Standing) -> Call[Standing]:
    """The body, the file's bytes from the offset on, is added by the client; where it breaks off, ask how it stands."""
    return Call(
        "PATCH",
        last.path,
        lambda answer: standing_of(answer, last),
        headers={
            **_TUS,
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(last.left_bytes),
            "Upload-Offset": str(last.offset),
        },
    )


def submit_url(url: str, options: SubmitOptions | None) -> Call[Job]:
    return Call(
        "POST",
        "/v1/jobs",
        job_of,
        headers={"Idempotency-Key": f'"{uuid4()}"'},
        json={"url": url, **(options or SubmitOptions()).document()},
    )


def status(job_id: str, wait_s: float) -> Call[Job]:
    return Call("GET", job_path(job_id), job_of, query={"wait": f"{wait_s:g}"} if wait_s else {})


def events_path(job_id: str) -> str:
    return f"{job_path(job_id)}/events"


def jobs(
    state: str, limit: int, cursor: str, owner: str = "", metadata: Mapping[str, str] | None = None
) -> Call[JobPage]:
    notes = {f"metadata[{name}]": text for name, text in (metadata or {}).items()}
    asked = {"state": state, "limit": str(limit), "cursor": cursor, "owner": owner, **notes}
    return Call("GET", "/v1/jobs", page_of, query={name: text for name, text in asked.items() if text})


def transcript(job_id: str) -> Call[Transcript]:
    return Call("GET", f"{job_path(job_id)}/transcript", transcript_of, query={"format": "json"})


def transcript_text(job_id: str, form: Format) -> Call[str]:
    return Call("GET", f"{job_path(job_id)}/transcript", lambda answer: answer.text, query={"format": form})


def cancel(job_id: str) -> Call[Job]:
    return Call("POST", f"{job_path(job_id)}/cancel", job_of)


def retry(job_id: str) -> Call[Job]:
    return Call("POST", f"{job_path(job_id)}/retry", job_of, headers={"Idempotency-Key": f'"{uuid4()}"'})


def delete(job_id: str) -> Call[None]:
    return Call("DELETE", job_path(job_id), lambda _: None)


def service_status(target_s: float, model: str) -> Call[dict[str, Any]]:
    asked = {"target_s": f"{target_s:g}", "model": model}
    return Call("GET", "/v1/status", document_of, query={name: text for name, text in asked.items() if text})


def alive() -> Call[None]:
    return Call("GET", "/healthz", lambda _: None, repeatable=False)
