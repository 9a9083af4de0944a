"""Every error as `application/problem+json` (RFC 9457): ours, the framework's, and those nobody foresaw."""

import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from apiflask import APIFlask
from apiflask.exceptions import HTTPError
from flask import Response, g
from pydantic import ValidationError
from pydantic_core import to_json
from werkzeug.datastructures import Headers

from jobs.errors import InvalidRequest, JobError, Problem, RequestError, TingxieError, Unavailable

log = structlog.get_logger()

_REMEDIES = {
    404: "Check the path; /openapi.json lists all of them.",
    405: "Use a method that the Allow header names.",
    500: TingxieError.remedy,
}

MEDIA_TYPE = "application/problem+json"
#: `type` of a problem document: this path and the error's stable name
TYPES = "/problems/"


class MalformedBody(RequestError):
    type = "malformed-body"
    title = "The body can't be parsed"
    remedy = "Send what the Content-Type says: JSON in UTF-8."
    status = 400


class BodyTooLarge(RequestError):
    type = "body-too-large"
    title = "The body is larger than this request may have"
    remedy = "Send less at a time; /openapi.json says what belongs in it."
    status = 413


class WrongMediaType(RequestError):
    type = "unsupported-media-type"
    title = "This request's body has another media type"
    remedy = "Set the Content-Type that /openapi.json names for this request."
    status = 415


class InvalidFields(InvalidRequest):
    """Fields that the schema refuses, each named with its reason in the problem's `errors`."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = list(errors)

    @classmethod
    def of(cls, error: ValidationError) -> "InvalidFields":
        return cls(
            [
                {"field": ".".join(map(str, found["loc"])) or "body", "message": found["msg"]}
                for found in error.errors(include_url=False, include_context=False, include_input=False)
            ]
        )


def problem(
    of: Problem,
    status: int,
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | Headers | None = None,
) -> Response:
    """A problem document; `errors` names the fields at fault, where there are any."""
    g.problem = of.type
    body = to_json(document(of, status, errors, g.get("request_id", "")))
    return Response(body, status, headers=headers, content_type=MEDIA_TYPE)


def document(of: Problem, status: int, errors: Sequence[Mapping[str, str]], request_id: str) -> dict[str, Any]:
    """schemas.ProblemView."""
    shown: dict[str, Any] = {**of.as_dict(), "type": TYPES + of.type, "status": status, "request_id": request_id}
    return {**shown, "errors": list(errors)} if errors else shown


def register(app: APIFlask) -> None:
    """Answer every error of this application as a problem."""
    app.register_error_handler(TingxieError, _ours)
    app.register_error_handler(Exception, _unforeseen)
    app.error_processor(_frameworks)


def status_of(kind: type[TingxieError]) -> int:
    if issubclass(kind, RequestError):
        return kind.status
    if issubclass(kind, Unavailable):
        return 503
    return 409 if issubclass(kind, JobError) else 500


def error_kinds(base: type[TingxieError]) -> Iterator[type[TingxieError]]:
    """An error class and all below it."""
    yield base
    for kind in base.__subclasses__():
        yield from error_kinds(kind)


def _ours(error: TingxieError) -> Response:
    status = status_of(type(error))
    errors = error.errors if isinstance(error, InvalidFields) else ()
    return problem(shown_of(error, status), status, errors=errors, headers=headers_of(error))


def headers_of(error: TingxieError) -> dict[str, str]:
    if isinstance(error, Unavailable):
        return {"Retry-After": str(error.retry_after_s)}
    return dict(error.headers) if isinstance(error, RequestError) else {}


def shown_of(error: TingxieError, status: int) -> Problem:
    """What a client is told; of a fault of ours the rest goes to the log."""
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Problem.of(error)
    log.warning("http.failed", problem=error.type, detail=error.detail, exc_info=not isinstance(error, Unavailable))
    # The detail may name hosts and folders; those are for the log.
    return Problem(error.type, error.title, error.title, error.remedy)


def _unforeseen(error: Exception) -> Response:
    log.error("http.crashed", exc_info=error)
    return problem(Problem.of(TingxieError()), 500)


def _frameworks(error: HTTPError) -> Response:
    """What Flask and APIFlask raise by themselves: no such route, wrong method, fields that their schema refuses."""
    errors = [
        {"field": field, "message": message}
        for fields in (error.detail or {}).values()
        for field, messages in fields.items()
        for message in messages
    ]
    if errors:
        return _ours(InvalidFields(errors))
    title = error.message or HTTPStatus(error.status_code).phrase
    name = re.sub(r"[^a-z]+", "-", title.lower()).strip("-")
    shown = Problem(name, title, title, _REMEDIES.get(error.status_code, RequestError.remedy))
    return problem(shown, error.status_code, headers=Headers(error.headers))
