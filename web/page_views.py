"""The page for people: `/` for browsers, `/status` for operators, and what both are made of, out of web/page/."""

from apiflask import APIBlueprint
from flask import Response, request

from jobs.errors import RequestError
from web import assets
from web.openapi import TEXT, answer, errors, takes

blueprint = APIBlueprint("page", __name__, tag="About")

FOLDER = "page"
_PARTS = [name for name in assets.names(FOLDER) if name != "index.html"]
#: Everything from here, and neither script nor style inside the HTML.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


class PartNotFound(RequestError):
    type = "not-found"
    title = "Not Found"
    remedy = "Open /; it loads what it needs."
    status = 404


def is_wanted() -> bool:
    """Whether who asks for `/` is a browser: it names HTML, and before JSON."""
    accepted = request.accept_mimetypes
    return accepted.quality("text/html") > accepted.quality("application/json")


def page() -> Response:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Vary": "Accept, Accept-Encoding"}
    return assets.send(FOLDER, "index.html", headers)


@blueprint.get("/status")
@blueprint.doc(
    operation_id="statusPage",
    responses={200: answer("The page", {"text/html": TEXT}), **errors()},
    extensions=takes(open=True),
)
def status() -> Response:
    """How the service is doing, in a browser"""
    return page()


@blueprint.get("/page/<name>")
@blueprint.doc(
    operation_id="pagePart",
    responses={
        200: answer("The part", {"text/javascript": TEXT, "text/css": TEXT, "image/svg+xml": TEXT}),
        **errors(PartNotFound),
    },
    extensions=takes(open=True, path={"name": {"type": "string", "enum": _PARTS}}),
)
def part(name: str) -> Response:
    """What the page is made of: scripts, a style sheet, an icon"""
    if name not in _PARTS:
        raise PartNotFound(f"The page has no part {name[:64]!r}.")
    return assets.send(FOLDER, name, {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"})
