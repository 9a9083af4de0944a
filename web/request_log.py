"""A request's id and its one log line."""

import logging
import re
import secrets
import time
from http import HTTPStatus

import structlog
from flask import Flask, Response, g, request

log = structlog.get_logger()
_root = logging.getLogger()

HEADER = "X-Request-Id"
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    asked = request.headers.get(HEADER, "")
    g.request_id = asked if _SANE.fullmatch(asked) else secrets.token_hex(8)
    g.began = time.monotonic()
    structlog.contextvars.clear_contextvars()  # threads are reused
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _end(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    quiet = request.method == "GET" and response.status_code < HTTPStatus.BAD_REQUEST
    # Polls and probes come every second and change nothing.
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
