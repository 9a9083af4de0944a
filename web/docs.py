"""/docs: the API to read and to try, by Swagger UI out of web/swagger_ui/; nothing comes from another host."""

import gzip
from importlib import resources

from apiflask import APIBlueprint
from flask import Response, request

from jobs.errors import RequestError
from web.openapi import TEXT, answer, errors, takes

blueprint = APIBlueprint("docs", __name__, tag="About")

MEDIA_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
}
_PARTS = sorted(set(MEDIA_TYPES) - {"index.html"})
#: Everything from here. Swagger UI sets style attributes, and its own pictures are data: URLs in its style sheet.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


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
    return _file("index.html")


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
    return _file(name)


def _file(name: str) -> Response:
    """From the folder; the large ones are kept compressed there, and sent so to whoever takes it."""
    folder = resources.files("web") / "swagger_ui"
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "public, max-age=3600"}
    packed = folder / f"{name}.gz"
    if not packed.is_file():
        body = (folder / name).read_bytes()
    elif request.accept_encodings.quality("gzip"):
        body = packed.read_bytes()
        headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    else:
        body = gzip.decompress(packed.read_bytes())
        headers["Vary"] = "Accept-Encoding"
    return Response(body, headers=headers, content_type=MEDIA_TYPES[name])
