"""/v1/jobs/{id}: poll, cancel, delete; and what every view of a job has in common."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic_core import to_json
from werkzeug.datastructures import ETags

from jobs.errors import JobNotFound
from jobs.job import Job, State
from jobs.store import layout
from web.answers import empty_answer, json_answer
from web.openapi import NUMBER, TEXT, answer, errors, takes
from web.schemas import LINKED, JobQuery, JobView
from web.services import current_caller, services
from web.waiting import preferred_wait_s

blueprint = APIBlueprint("jobs", __name__, url_prefix="/v1/jobs", tag="Jobs")

#: What Retry-After advises to those who poll without waiting, in seconds.
SHORTEST_RETRY_S = 1
LONGEST_RETRY_S = 30
#: Figures that change by themselves from one moment to the next: not worth a new ETag.
VOLATILE = frozenset({"eta_s", "queue_ahead_s"})


@blueprint.get("/<job_id>")
@blueprint.input(JobQuery, location="query")
@blueprint.output(JobView)
@blueprint.doc(
    operation_id="getJob",
    responses={
        200: answer("The job", headers={"ETag": TEXT, "Retry-After": NUMBER, "Preference-Applied": TEXT}),
        304: answer("It is as you know it", headers={"ETag": TEXT, "Retry-After": NUMBER}),
        **errors(422, 503, JobNotFound),
    },
    extensions=takes(headers={"Prefer": "`wait=N`, as the query's `wait`", "If-None-Match": "An `ETag` of before"}),
)
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
    headers = poll_headers(job, document)
    if preferred is not None and query_data.wait is None:
        headers["Preference-Applied"] = f"wait={preferred:.0f}"
    return unless_known(headers, lambda: json_answer(document, headers=headers))


@blueprint.post("/<job_id>/cancel")
@blueprint.output(JobView)
@blueprint.doc(responses=errors(503, JobNotFound), operation_id="cancelJob")
def cancel(job_id: str) -> Response:
    """Cancel a job

    It is `cancelled` at once. A job that has already ended stays as it is; the answer shows its state.
    """
    visible_job(job_id)
    return json_answer(job_document(services().ledger.cancel(job_id)))


@blueprint.delete("/<job_id>")
@blueprint.doc(responses={204: {"description": "Gone"}, **errors(503, JobNotFound)}, operation_id="deleteJob")
def delete(job_id: str) -> Response:
    """Cancel a job if it runs, and forget it, its audio and its transcript"""
    visible_job(job_id)
    # The record first, so that `tingxie recover` can't bring the job back; the sweep takes the rest.
    services().store.delete(layout.job_record(job_id))
    services().ledger.delete(job_id)
    return empty_answer()


def visible_job(job_id: str) -> Job:
    """The job, if the current owner may see it; the one door through which views reach a job. Raises JobNotFound."""
    if not job_id.isalnum() or not job_id.isascii():
        raise JobNotFound(f"There is no job {job_id[:64]!r}.")
    return services().ledger.job(job_id, owner=current_caller().sees)


def job_document(job: Job, public_url: str | None = None) -> dict[str, Any]:
    """The job as clients see it: schemas.JobView, but cheaper to make. public_url: the settings' by default."""
    path = f"{services().settings.public_url if public_url is None else public_url}/v1/jobs/{job.id}"
    links = {"self": path} | {name: f"{path}/{name}" for name in LINKED}
    return {**job.model_dump(mode="json"), "links": links}


def poll_headers(job: Job, document: Mapping[str, Any]) -> dict[str, str]:
    headers = {"ETag": etag_of([document]), "Cache-Control": "no-cache"}
    return headers if job.state.is_terminal else {**headers, "Retry-After": retry_after(job)}


def retry_after(job: Job) -> str:
    """Seconds after which a poll is worth it: the ETA, but at least once in half a minute."""
    return str(round(min(max(job.eta_s or 2 * SHORTEST_RETRY_S, SHORTEST_RETRY_S), LONGEST_RETRY_S)))


class _Settled:
    """Whether a waiting poll has its answer: the job differs from what the client has, or from the first look."""

    def __init__(self) -> None:
        self._known = request.if_none_match if request.headers.get("If-None-Match") else None
        self._first: State | None = None

    def __call__(self, job: Job) -> bool:
        if job.state.is_terminal:
            return True
        if self._known is not None:
            return not knows(self._known, etag_of([job_document(job)]))
        if self._first is None:
            self._first = job.state
        return job.state != self._first


def etag_of(documents: Iterable[Mapping[str, Any]]) -> str:
    """Weak, since the volatile figures are left out."""
    digest = blake2b(digest_size=12)
    for document in documents:
        digest.update(to_json({name: value for name, value in document.items() if name not in VOLATILE}))
    return f'W/"{digest.hexdigest()}"'


def unless_known(headers: Mapping[str, str], make: Callable[[], Response]) -> Response:
    """304 where the client has what the headers' ETag says, else what `make` answers."""
    if knows(request.if_none_match, headers["ETag"]):
        return Response(status=304, headers=headers)
    return make()


def knows(known: ETags, etag: str) -> bool:
    return known.contains_weak(etag.removeprefix("W/").strip('"'))
