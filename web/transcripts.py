"""/v1/jobs/{id}/transcript: the finished text, in the format that is asked for."""

from collections.abc import Callable, Iterator
from hashlib import blake2b

from apiflask import APIBlueprint
from flask import Response

from jobs.errors import JobCancelled, JobError, JobNotFound, Problem, TranscriptNotReady
from jobs.job import State
from jobs.store import layout
from jobs.transcript import Transcript
from web.disposition import attachment
from web.formats import srt, tsv, txt, vtt
from web.formats.document import Document, parse
from web.formats.script import rewrite
from web.formats.tokens import CueShape
from web.jobs import retry_after, unless_known, visible_job
from web.openapi import TEXT, answer, errors, takes
from web.problems import error_kinds, problem
from web.schemas import TranscriptQuery
from web.services import services

blueprint = APIBlueprint("transcripts", __name__, url_prefix="/v1/jobs", tag="Transcripts")

MEDIA_TYPES = {
    "json": "application/json",
    "txt": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
    "tsv": "text/tab-separated-values; charset=utf-8",
}
_RENDERERS: dict[str, Callable[[Document], Iterator[str]]] = {
    "txt": txt.render,
    "tsv": tsv.render,
}
SUBTITLES = {"srt": srt.render, "vtt": vtt.render}
_CONTENT = {media_type.partition(";")[0]: TEXT for media_type in MEDIA_TYPES.values()} | {
    MEDIA_TYPES["json"]: Transcript
}


@blueprint.get("/<job_id>/transcript")
@blueprint.input(TranscriptQuery, location="query")
@blueprint.doc(
    responses={
        200: answer("The transcript", _CONTENT, headers={"Content-Disposition": TEXT, "ETag": TEXT}),
        304: answer("It is as you know it", headers={"ETag": TEXT}),
        **errors(422, 503, JobNotFound, TranscriptNotReady, JobCancelled, *error_kinds(JobError)),
    },
    operation_id="getTranscript",
    extensions=takes(headers={"If-None-Match": "An `ETag` of before"}),
)
def transcript(job_id: str, query_data: TranscriptQuery) -> Response:
    """Get a job's transcript

    Answers 409 while there is none: `transcript-not-ready` with Retry-After, or what ended the job without one.
    """
    job = visible_job(job_id)
    if job.state is State.FAILED and job.error:
        return problem(Problem(**job.error), 409)
    if job.state is State.CANCELLED:
        raise JobCancelled(f"Job {job_id} was cancelled; it has no transcript.")
    if job.state is not State.SUCCEEDED:
        not_ready = Problem.of(TranscriptNotReady(f"Job {job_id} is {job.state}."))
        return problem(not_ready, 409, headers={"Retry-After": retry_after(job)})
    body = _body(services().store.read(layout.transcript(job_id)), query_data)
    headers = {
        "ETag": f'"{blake2b(body, digest_size=12).hexdigest()}"',
        "Content-Disposition": attachment(job.filename, query_data.format),
        "Cache-Control": "private, no-cache",
    }
    content_type = MEDIA_TYPES[query_data.format]
    return unless_known(headers, lambda: Response(body, headers=headers, content_type=content_type))


def _body(stored: bytes, query: TranscriptQuery) -> bytes:
    if query.script is not None:
        stored = rewrite(stored, query.script)
    if query.format == "json":  # as finish wrote it
        return stored
    if query.format in SUBTITLES:
        usual = services().settings
        shape = CueShape(query.columns or usual.cue_columns, query.lines or usual.cue_lines)
        return "".join(SUBTITLES[query.format](parse(stored), shape)).encode()
    render = txt.render_paragraphs if query.format == "txt" and query.timestamps else _RENDERERS[query.format]
    return "".join(render(parse(stored))).encode()
