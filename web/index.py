"""The root, for whoever comes by hand, and the pages that problem types point to."""

from importlib.metadata import version

from apiflask import APIBlueprint
from flask import Response

from jobs.errors import RequestError, TingxieError
from web import page_views
from web.openapi import TEXT, answer, errors, takes
from web.problems import TYPES, error_kinds
from web.schemas import Index, ProblemKind

blueprint = APIBlueprint("index", __name__, tag="About")


class PageNotFound(RequestError):
    type = "not-found"
    title = "Not Found"
    remedy = "Check the path; /openapi.json lists all of them."
    status = 404


@blueprint.get("/")
@blueprint.output(Index)
@blueprint.doc(
    operation_id="index",
    responses={
        **errors(),
        200: answer("Where things are; for browsers the page", {"application/json": Index, "text/html": TEXT}),
    },
    extensions=takes(open=True),
)
def index() -> Response:
    """Where things are

    Browsers, which ask for HTML, get the page.
    """
    if page_views.is_wanted():
        return page_views.page()
    found = Index(
        name="Tingxie",
        version=version("tingxie"),
        links={
            "jobs": "/v1/jobs",
            "models": "/v1/models",
            "openapi": "/openapi.json",
            "docs": "/docs",
            "health": "/healthz",
            "readiness": "/readyz",
            "metrics": "/metrics",
            "status": "/v1/status",
        },
    )
    return Response(found.model_dump_json(), headers={"Vary": "Accept"}, content_type="application/json")


@blueprint.get(f"{TYPES}<name>")
@blueprint.output(ProblemKind)
@blueprint.doc(
    operation_id="getProblem",
    responses=errors(PageNotFound),
    extensions=takes(open=True, path={"name": {"type": "string", "examples": ["upload-empty", "job-not-found"]}}),
)
def problem_kind(name: str) -> ProblemKind:
    """What a problem's `type` means"""
    for kind in error_kinds(TingxieError):
        if kind.type == name:
            return ProblemKind(type=TYPES + kind.type, title=kind.title, remedy=kind.remedy)
    raise PageNotFound(f"There is no problem type {name[:64]!r}.")
