"""/v1/jobs: submit, list, poll, cancel, delete."""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import ValidationError
from pydantic_core import to_json

from jobs.api_key import Scope
from jobs.errors import (
    InvalidRequest,
    JobNotFound,
    OptionsConflict,
    StoreFull,
    TooMuchQueued,
    UnknownModel,
    UnsupportedFormat,
    UploadEmpty,
    UploadIncomplete,
    UploadLocked,
    UploadNotFound,
    UploadTooLarge,
    UrlRefused,
)
from jobs.job import Job, JobRequest, State
from jobs.store import Stored, layout
from web.auth import ScopeMissing
from web.openapi import BINARY, JSON, MULTIPART, NUMBER, TEXT, answer, errors, form, one_of, takes
from web.problems import BodyTooLarge, InvalidFields, MalformedBody
from web.schemas import (
    JobPage,
    JobQuery,
    JobView,
    ListQuery,
    Submission,
    SubmissionQuery,
    UploadSubmission,
    UrlSubmission,
)
from web.services import Services, current_caller, current_owner, services
from web.submitting_json import submit_json
from web.upload import Form, UploadInterrupted, body_pieces, disposition_filename, is_form, read_form, refuse_oversize
from web.waiting import preferred_wait_s

blueprint = APIBlueprint("jobs", __name__, url_prefix="/v1/jobs", tag="Jobs")

#: What Retry-After advises to those who poll without waiting, in seconds.
SHORTEST_RETRY_S = 1
LONGEST_RETRY_S = 30
#: Figures that change by themselves from one moment to the next: not worth a new ETag.
VOLATILE = frozenset({"eta_s", "queue_ahead_s"})


@blueprint.post("")
@blueprint.input(SubmissionQuery, location="query")
@blueprint.doc(
    operation_id="submit",
    responses={
        202: answer("Accepted", {"application/json": JobView}, headers={"Location": TEXT, "Retry-After": NUMBER}),
        **errors(
            422,
            503,
            UploadInterrupted,
            UploadTooLarge,
            UnsupportedFormat,
            UploadEmpty,
            UnknownModel,
            OptionsConflict,
            UrlRefused,
            MalformedBody,
            BodyTooLarge,
            StoreFull,
            UploadNotFound,
            UploadIncomplete,
            UploadLocked,
            TooMuchQueued,
        ),
    },
    extensions=takes(
        {
            MULTIPART: form(Submission, "file"),
            JSON: one_of(UrlSubmission, UploadSubmission),
            "audio/*": BINARY,
            "application/octet-stream": BINARY,
        },
        parts={"file": "audio/*"},
    ),
)
def submit(query_data: SubmissionQuery) -> Response:
    """Submit a recording

    As multipart/form-data with the file in `file` and the options as fields, or as the raw bytes with `filename` and
    the options in the query. As JSON, with the options beside it, by its `url`, or by the `upload_id` of a complete
    resumable upload; asking again with that gives the same job.
    """
    front = services()
    refuse_oversize(request, front.settings.max_upload_bytes)
    accepted: JobRequest
    if request.is_json:
        accepted = submit_json(front, query_data)
    else:
        job_id = front.submissions.begin(current_owner())
        accepted = _from_form(front, job_id, query_data) if is_form(request) else _from_body(front, job_id, query_data)
    job = Job(**accepted.model_dump(include=set(Job.model_fields)), state=State.QUEUED)
    document = job_document(job)
    headers = {"Location": document["links"]["self"], "Retry-After": str(SHORTEST_RETRY_S)}
    return _json(document, 202, headers)


@blueprint.get("")
@blueprint.input(ListQuery, location="query")
@blueprint.output(JobPage)
@blueprint.doc(responses=errors(422, 503), operation_id="listJobs")
def list_jobs(query_data: ListQuery) -> Response:
    """List your jobs, newest first"""
    state = query_data.state.value if query_data.state else ""
    found, cursor = services().ledger.jobs(
        _listed_owner(query_data.owner), limit=query_data.limit, cursor=query_data.cursor, state=state
    )
    return _json({"jobs": [job_document(job) for job in found], "next_cursor": cursor or None})


@blueprint.get("/<job_id>")
@blueprint.input(JobQuery, location="query")
@blueprint.output(JobView)
@blueprint.doc(responses={304: {"description": "Unchanged"}, **errors(422, 503, JobNotFound)}, operation_id="getJob")
def get_job(job_id: str, query_data: JobQuery) -> Response:
    """Poll a job

    With `wait` (or `Prefer: wait=N`) the answer is held until the state changes; with If-None-Match as well, until
    anything does.
    """
    front = services()
    preferred = preferred_wait_s(request.headers.get("Prefer", ""))
    wait_s = query_data.wait if query_data.wait is not None else preferred or 0.0
    job = front.waits.until(job_id, _Settled(), lambda: visible_job(job_id), wait_s)
    document = job_document(job)
    headers = {"ETag": _etag(document), "Cache-Control": "no-cache"}
    if not job.state.is_terminal:
        headers["Retry-After"] = retry_after(job)
    if preferred is not None and query_data.wait is None:
        headers["Preference-Applied"] = f"wait={preferred:.0f}"
    if request.if_none_match.contains_weak(_opaque(headers["ETag"])):
        return Response(status=304, headers=headers)
    return _json(document, headers=headers)


@blueprint.post("/<job_id>/cancel")
@blueprint.output(JobView)
@blueprint.doc(responses=errors(503, JobNotFound), operation_id="cancelJob")
def cancel(job_id: str) -> Response:
    """Cancel a job

    It is `cancelled` at once. A job that has already ended stays as it is; the answer shows its state.
    """
    visible_job(job_id)
    return _json(job_document(services().ledger.cancel(job_id)))


@blueprint.delete("/<job_id>")
@blueprint.doc(responses={204: {"description": "Gone"}, **errors(503, JobNotFound)}, operation_id="deleteJob")
def delete(job_id: str) -> Response:
    """Cancel a job if it runs, and forget it, its audio and its transcript"""
    visible_job(job_id)
    # The record first, so that `tingxie recover` can't bring the job back; the sweep takes the rest.
    services().store.delete(layout.job_record(job_id))
    services().ledger.delete(job_id)
    answer = Response(status=204)
    del answer.headers["Content-Type"]  # there is no content
    return answer


def visible_job(job_id: str) -> Job:
    """The job, if the current owner may see it; the one door through which views reach a job. Raises JobNotFound."""
    if not job_id.isalnum() or not job_id.isascii():
        raise JobNotFound(f"There is no job {job_id[:64]!r}.")
    caller = current_caller()
    return services().ledger.job(job_id, owner=None if caller.is_admin else caller.owner)


def _listed_owner(asked: str) -> str:
    """Whose jobs to list. Raises ScopeMissing where somebody else's are asked for without being admin."""
    caller = current_caller()
    if asked and asked != caller.owner and not caller.is_admin:
        raise ScopeMissing(Scope.ADMIN)
    return asked or caller.owner


def job_document(job: Job) -> dict[str, Any]:
    """The job as clients see it: schemas.JobView, but cheaper to make."""
    path = f"/v1/jobs/{job.id}"
    links = {"self": path, "transcript": f"{path}/transcript", "cancel": f"{path}/cancel"}
    return {**job.model_dump(mode="json"), "links": links}


def retry_after(job: Job) -> str:
    """Seconds after which a poll is worth it: the ETA, but at least once in half a minute."""
    return str(round(min(max(job.eta_s or 2 * SHORTEST_RETRY_S, SHORTEST_RETRY_S), LONGEST_RETRY_S)))


def _from_form(front: Services, job_id: str, query: SubmissionQuery) -> JobRequest:
    def receive(form: Form[Stored], chunks: Iterator[bytes]) -> Stored:
        front.submissions.check(_options(query, form.fields))  # what is known before ten gigabytes arrive
        return front.submissions.receive(job_id, chunks)

    received: Form[Stored] = Form()
    try:
        read_form(request, received, receive)
        options = _options(query, received.fields)
    except BaseException:
        if received.received is not None:
            front.submissions.discard(job_id)
        raise
    if received.received is None:
        raise InvalidRequest("The form holds no file; send it in the field `file`.")
    filename = received.filename or query.filename
    return front.submissions.accept(
        job_id, received.received, filename=filename, options=options, owner=current_owner()
    )


def _from_body(front: Services, job_id: str, query: SubmissionQuery) -> JobRequest:
    filename = query.filename or disposition_filename(request.headers.get("Content-Disposition", ""))
    options = _options(query, {})
    front.submissions.check(options)
    stored = front.submissions.receive(job_id, body_pieces(request))
    return front.submissions.accept(job_id, stored, filename=filename, options=options, owner=current_owner())


def _options(query: SubmissionQuery, fields: Mapping[str, str]) -> Submission:
    """Options from the query and a form's text fields, which go before. Raises InvalidFields."""
    given: dict[str, Any] = query.model_dump(exclude={"filename"}, exclude_unset=True) | dict(fields)
    for name in ("model", "language"):
        given[name] = given.get(name) or None  # an empty one means that none was chosen
    try:
        if "metadata" in fields:
            given["metadata"] = json.loads(fields["metadata"])
        return Submission.model_validate(given)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidFields([{"field": "metadata", "message": "Not a JSON object"}]) from error
    except ValidationError as error:
        raise InvalidFields.of(error) from error


class _Settled:
    """Whether a waiting poll has its answer: the job differs from what the client has, or from the first look."""

    def __init__(self) -> None:
        self._known = request.if_none_match if request.headers.get("If-None-Match") else None
        self._first: State | None = None

    def __call__(self, job: Job) -> bool:
        if job.state.is_terminal:
            return True
        if self._known is not None:
            return not self._known.contains_weak(_opaque(_etag(job_document(job))))
        if self._first is None:
            self._first = job.state
        return job.state != self._first


def _etag(document: Mapping[str, Any]) -> str:
    """Weak, since the volatile figures are left out."""
    lasting = {name: value for name, value in document.items() if name not in VOLATILE}
    return f'W/"{blake2b(to_json(lasting), digest_size=12).hexdigest()}"'


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _json(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(document), status, headers=headers, content_type="application/json")
