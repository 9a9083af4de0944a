"""Jobs made: of an upload (POST /v1/jobs), and once more of an ended job's audio (POST /v1/jobs/{id}/retry)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import ValidationError

from jobs.errors import (
    AudioGone,
    InvalidRequest,
    JobNotFound,
    NotRetriable,
    QuotaUsedUp,
    StoreFull,
    TooMuchQueued,
    UnsupportedFormat,
    UploadEmpty,
    UploadIncomplete,
    UploadLocked,
    UploadNotFound,
    UploadTooLarge,
)
from jobs.job import Job, State
from jobs.store import Stored
from jobs.submission import NOT_TAKEN, Accepted
from web.answers import json_answer
from web.idempotency import idempotent, settle
from web.jobs import SHORTEST_RETRY_S, job_document, visible_job
from web.openapi import BINARY, JSON, MULTIPART, NUMBER, TEXT, answer, errors, form, one_of, takes
from web.problems import BodyTooLarge, InvalidFields, MalformedBody
from web.schemas import JobView, Submission, SubmissionQuery, UploadSubmission, UrlSubmission
from web.services import Services, current_owner, services
from web.submitting_json import submit_json
from web.upload import Form, UploadInterrupted, body_pieces, disposition_filename, is_form, read_form, refuse_oversize

blueprint = APIBlueprint("submitting", __name__, url_prefix="/v1/jobs", tag="Jobs")

ACCEPTED = answer("Accepted", {"application/json": JobView}, headers={"Location": TEXT, "Retry-After": NUMBER})


@blueprint.post("")
@idempotent(streamed=True)
@blueprint.input(SubmissionQuery, location="query")
@blueprint.doc(
    operation_id="submit",
    responses={
        202: ACCEPTED,
        **errors(
            422,
            503,
            UploadInterrupted,
            UploadTooLarge,
            UnsupportedFormat,
            UploadEmpty,
            MalformedBody,
            BodyTooLarge,
            UploadNotFound,
            UploadIncomplete,
            UploadLocked,
            *NOT_TAKEN,
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
    if request.is_json:
        return accepted_answer(submit_json(front, query_data))
    job_id = front.submissions.begin(current_owner())
    return accepted_answer((_from_form if is_form(request) else _from_body)(front, job_id, query_data))


@blueprint.post("/<job_id>/retry")
@idempotent()
@blueprint.doc(
    operation_id="retryJob",
    responses={
        202: ACCEPTED,
        **errors(503, JobNotFound, NotRetriable, AudioGone, TooMuchQueued, QuotaUsedUp, StoreFull),
    },
)
def retry(job_id: str) -> Response:
    """Try a failed or cancelled job again

    A job's end is for good: this makes a new one of the same audio and options, whose `retry_of` names the old one.
    """
    return accepted_answer(services().submissions.retry(visible_job(job_id)))


def accepted_answer(accepted: Accepted | Job) -> Response:
    """202, where the job is, and when a first poll is worth it."""
    job = accepted
    if not isinstance(job, Job):
        job = Job(**accepted.model_dump(include=set(Job.model_fields)), state=State.QUEUED)
    document = job_document(job)
    headers = {"Location": document["links"]["self"], "Retry-After": str(SHORTEST_RETRY_S)}
    return json_answer(document, 202, headers)


def _from_form(front: Services, job_id: str, query: SubmissionQuery) -> Accepted | Job:
    def receive(form: Form[Stored], chunks: Iterator[bytes]) -> Stored:
        # what is known before ten gigabytes arrive
        front.submissions.check(_options(query, form.fields), current_owner())
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
    return _accept(front, job_id, received.received, received.filename or query.filename, options)


def _from_body(front: Services, job_id: str, query: SubmissionQuery) -> Accepted | Job:
    filename = query.filename or disposition_filename(request.headers.get("Content-Disposition", ""))
    options = _options(query, {})
    front.submissions.check(options, current_owner())
    stored = front.submissions.receive(job_id, body_pieces(request))
    return _accept(front, job_id, stored, filename, options)


def _accept(front: Services, job_id: str, stored: Stored, filename: str, options: Submission) -> Accepted | Job:
    """Make a job of what was received, unless an earlier request under the same Idempotency-Key has made one of it."""
    try:
        earlier = settle(stored.sha256, filename, options.model_dump_json(), creates=job_id)
        if earlier and (made := _made(earlier)):
            front.submissions.discard(job_id)
            return made
    except BaseException:
        front.submissions.discard(job_id)
        raise
    return front.submissions.accept(job_id, stored, filename=filename, options=options, owner=current_owner())


def _made(job_id: str) -> Job | None:
    """The job that an earlier request made, though its answer got lost."""
    try:
        return visible_job(job_id)
    except JobNotFound:
        return None


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
