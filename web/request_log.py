"""A request's id and its one log line."""

import logging
import re
import secrets
import time
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request

from jobs.store import wire

log = structlog.get_logger()
_root = logging.getLogger()

HEADER = "X-Request-Id"
#: where the environment of a request keeps its id
_GIVEN = "tingxie.request_id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def begin(environ: dict[str, Any]) -> str:
    """The request's id: its own, or a new one; also in every log line of its thread from here on."""
    if _GIVEN not in environ:
        asked = environ.get("HTTP_X_REQUEST_ID", "")
        environ[_GIVEN] = asked if _SANE.fullmatch(asked) else secrets.token_hex(8)
    structlog.contextvars.clear_contextvars()  # threads are reused
    structlog.contextvars.bind_contextvars(request_id=environ[_GIVEN])
    return str(environ[_GIVEN])


def _begin() -> None:
    g.request_id = begin(request.environ)
    g.began = time.monotonic()


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    # Polls and probes come every second and change nothing; workers elsewhere write a window with each request.
    usual = request.method == "GET" or request.path.startswith(f"{wire.BASE}/")
    quiet = usual and response.status_code < HTTPStatus.BAD_REQUEST
    if quiet and not _root.isEnabledFor(logging.DEBUG):
        return response
    line = {"method": request.method, "path": request.path, "status": response.status_code}
    if job_id := (request.view_args or {}).get("job_id"):
        line["job_id"] = job_id
    if "problem" in g:
        line["problem"] = g.problem
    tell = log.debug if quiet else log.info
    tell("http.answered", **line, duration_ms=round(1000 * (time.monotonic() - g.began), 1))
    return response
