"""/v1/jobs/{id}/audio: the recording as it was uploaded, whole or a range of it, streamed from the store."""

from apiflask import APIBlueprint
from flask import Request, Response, request

from jobs.containers import HEAD_BYTES, media_type
from jobs.errors import AudioGone, JobNotFound, ObjectMissing, RequestError
from jobs.job import JobRequest
from jobs.store import layout
from web.disposition import attachment
from web.jobs import unless_known, visible_job
from web.openapi import BINARY, NUMBER, TEXT, answer, errors, operation, takes
from web.services import services

blueprint = APIBlueprint("audio", __name__, url_prefix="/v1/jobs", tag="Jobs")


class RangeNotSatisfiable(RequestError):
    type = "range-not-satisfiable"
    title = "The recording has no such bytes"
    remedy = "Ask for a range within the length that Content-Range names, or for the whole."
    status = 416

    def __init__(self, size: int) -> None:
        super().__init__(f"The recording is {size} bytes long.")
        self.headers = {"Content-Range": f"bytes */{size}"}


_HEADERS = {"Content-Length": NUMBER, "Content-Disposition": TEXT, "Accept-Ranges": TEXT, "ETag": TEXT}
_WHOLE = answer("The whole recording", {"audio/*": BINARY, "application/octet-stream": BINARY}, headers=_HEADERS)
_PART = answer(
    "A range of it",
    {"audio/*": BINARY, "application/octet-stream": BINARY},
    headers={**_HEADERS, "Content-Range": TEXT},
)
_KNOWN = answer("It is as you know it", headers={"ETag": TEXT})
_ERRORS = errors(503, JobNotFound, AudioGone, RangeNotSatisfiable)


@blueprint.get("/<job_id>/audio")
@blueprint.doc(
    operation_id="getAudio",
    responses={200: _WHOLE, 206: _PART, 304: _KNOWN, **_ERRORS},
    extensions=takes(
        headers={
            "Range": "`bytes=first-last`: one range; of several the whole is sent",
            "If-Range": "The `ETag` of which a range is wanted; the whole is sent where it is another",
            "If-None-Match": "An `ETag` of before",
        },
        head=operation(
            "headAudio",
            "The length and type of a job's recording",
            {
                200: answer("As of the whole recording", headers=_HEADERS),
                304: _KNOWN,
                404: answer(JobNotFound.title),
                409: answer(AudioGone.title),
                503: answer("The ledger or the store is away"),
            },
            tag="Jobs",
            headers={"If-None-Match": "An `ETag` of before"},
        ),
    ),
)
def audio(job_id: str) -> Response:
    """Get a job's recording

    As it was uploaded, for as long as the server keeps it; then 409 `audio-gone`.
    """
    visible_job(job_id)
    store, name = services().store, layout.audio(job_id)
    try:
        uploaded = JobRequest.model_validate_json(store.read(layout.job_record(job_id)))
        size = store.info(name).size_bytes
        head = b"".join(store.chunks(name, 0, HEAD_BYTES))
    except ObjectMissing as error:
        raise AudioGone(f"The audio of job {job_id} is no longer in the store.") from error
    etag = f'"{uploaded.sha256 or job_id}"'  # of what a worker fetched no digest is kept; it never changes either
    part = asked_range(request, size, etag)
    start, stop = part or (0, size)
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Content-Length": str(stop - start),
        "Content-Disposition": attachment(uploaded.filename),
        "Cache-Control": "private, no-cache",
    }
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"

    def send() -> Response:
        pieces = store.chunks(name, start, stop)
        return Response(pieces, 206 if part else 200, headers=headers, content_type=media_type(head))

    return unless_known({"ETag": etag}, send)


def asked_range(incoming: Request, size: int, etag: str) -> tuple[int, int] | None:
    """[start, stop) of the bytes that a request wants; None where it names no range that counts (RFC 9110).

    Raises RangeNotSatisfiable.
    """
    asked = incoming.range
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or incoming.method != "GET":
        return None
    if "If-Range" in incoming.headers and incoming.headers["If-Range"].strip() != etag:
        return None
    first, _ = asked.ranges[0]
    if first is not None and first < -size:  # more of the end than there is: all of it
        return 0, size
    found = asked.range_for_length(size)
    if found is None:
        raise RangeNotSatisfiable(size)
    return found
