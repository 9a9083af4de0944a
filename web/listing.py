"""GET /v1/jobs: an owner's jobs in pages, filtered."""

from apiflask import APIBlueprint
from flask import Response

from jobs.api_key import Scope
from jobs.job import JobFilter
from web.answers import json_answer
from web.auth import ScopeMissing
from web.jobs import etag_of, job_document, unless_known
from web.openapi import TEXT, answer, errors, takes
from web.schemas import JobPage, ListQuery
from web.services import current_caller, services

blueprint = APIBlueprint("listing", __name__, url_prefix="/v1/jobs", tag="Jobs")


@blueprint.get("")
@blueprint.input(ListQuery, location="query")
@blueprint.output(JobPage)
@blueprint.doc(
    operation_id="listJobs",
    responses={
        200: answer("A page of jobs", headers={"ETag": TEXT}),
        304: answer("The page is as you know it", headers={"ETag": TEXT}),
        **errors(422, 503),
    },
    extensions=takes(headers={"If-None-Match": "An `ETag` of before"}),
)
def list_jobs(query_data: ListQuery) -> Response:
    """List your jobs, newest first

    A filtered page may be short, even empty, before the last one: go on until `next_cursor` is null.
    """
    wanted = JobFilter(
        query_data.state, query_data.created_after, query_data.created_before, query_data.filename, query_data.metadata
    )
    found, cursor = services().ledger.jobs(
        _listed_owner(query_data.owner), wanted, limit=query_data.limit, cursor=query_data.cursor
    )
    documents = [job_document(job) for job in found]
    headers = {"ETag": etag_of([*documents, {"next_cursor": cursor}]), "Cache-Control": "no-cache"}
    page = {"jobs": documents, "next_cursor": cursor or None}
    return unless_known(headers, lambda: json_answer(page, headers=headers))


def _listed_owner(asked: str) -> str:
    """Whose jobs to list. Raises ScopeMissing where somebody else's are asked for without being admin."""
    caller = current_caller()
    if asked and asked != caller.owner and not caller.is_admin:
        raise ScopeMissing(Scope.ADMIN)
    return asked or caller.owner
