"""/docs: the API to read and to try, by Swagger UI out of web/swagger_ui/; nothing comes from another host."""

from apiflask import APIBlueprint
from flask import Response

from jobs.errors import RequestError
from web import assets
from web.openapi import TEXT, answer, errors, takes

blueprint = APIBlueprint("docs", __name__, tag="About")

FOLDER = "swagger_ui"
_PARTS = [name for name in assets.names(FOLDER) if name != "index.html"]
#: Everything from here. Swagger UI sets style attributes, and its own pictures are data: URLs in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"}


class PartNotFound(RequestError):
    type = "not-found"
    title = "Not Found"
    remedy = "Open /docs; it loads what it needs."
    status = 404


@blueprint.get("/docs")
@blueprint.doc(
    operation_id="docs",
    responses={**errors(), 200: answer("The page", {"text/html": TEXT})},
    extensions=takes(open=True),
)
def page() -> Response:
    """The API to read and to try, in a browser"""
    return assets.send(FOLDER, "index.html", HEADERS)


@blueprint.get("/docs/<name>")
@blueprint.doc(
    operation_id="docsPart",
    responses={200: answer("The part", {"text/javascript": TEXT, "text/css": TEXT}), **errors(PartNotFound)},
    extensions=takes(open=True, path={"name": {"type": "string", "enum": _PARTS}}),
)
def part(name: str) -> Response:
    """What /docs is made of: scripts and a style sheet"""
    if name not in _PARTS:
        raise PartNotFound(f"/docs has no part {name[:64]!r}.")
    return assets.send(FOLDER, name, HEADERS)
