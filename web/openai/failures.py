"""Errors in OpenAI's shape, with the statuses that its clients understand."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from apiflask import APIBlueprint
from flask import Response, g
from pydantic_core import to_json

from jobs.errors import JobError, Problem, TingxieError, UnknownModel
from web.auth import KeyRequired, KeyUnknown
from web.idempotency import KeyInUse
from web.openai.schemas import Failure, Fault
from web.openapi import JSON, NUMBER, answer
from web.problems import InvalidFields, headers_of, shown_of, status_of

log = structlog.get_logger()

#: what clients know these errors by
CODES: Mapping[type[TingxieError], str] = {
    UnknownModel: "model_not_found",
    KeyRequired: "invalid_api_key",
    KeyUnknown: "invalid_api_key",
}
#: a client that reads them says that the request is bad, whatever exactly is
BAD = {HTTPStatus.UNSUPPORTED_MEDIA_TYPE, HTTPStatus.UNPROCESSABLE_ENTITY}


def register(blueprint: APIBlueprint) -> None:
    """Answer every error of the blueprint's routes so."""
    blueprint.register_error_handler(TingxieError, _ours)
    blueprint.register_error_handler(Exception, _unforeseen)


def failures(*kinds: type[TingxieError]) -> dict[int | str, Any]:
    """The `responses` of a view that fails in these ways; as web.openapi.errors."""
    found: dict[int, list[type[TingxieError]]] = {}
    for kind in kinds:
        found.setdefault(_status(kind), []).append(kind)
    return {status: _failures(status, each) for status, each in found.items()}


def _failures(status: int, kinds: Sequence[type[TingxieError]]) -> dict[str, Any]:
    described = answer(
        "; ".join(dict.fromkeys(kind.title for kind in kinds)),
        {JSON: Failure},
        headers={"Retry-After": NUMBER} if status in (429, 503) else {},
    )
    described["content"][JSON]["examples"] = {kind.type: {"value": _example(kind, status)} for kind in kinds}
    return described


def _example(kind: type[TingxieError], status: int) -> dict[str, Any]:
    shown = Problem(kind.type, kind.title, kind.title, kind.remedy)
    return fault(shown, status, code=CODES.get(kind, kind.type)).model_dump()


def failed_job(error: dict[str, Any]) -> Response:
    """The answer to who waits for a job that has failed with this error of its record."""
    shown = Problem(**error)
    # Clients retry what conflicts: the same audio would fail again.
    return _failure(shown, HTTPStatus.CONFLICT, code=shown.type, headers={"X-Should-Retry": "false"})


def fault(shown: Problem, status: int, *, code: str, param: str | None = None) -> Failure:
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return Failure(error=Fault(message=f"{shown.detail} {shown.remedy}".strip(), type=kind, param=param, code=code))


def _status(kind: type[TingxieError]) -> int:
    if issubclass(kind, UnknownModel):
        return HTTPStatus.NOT_FOUND
    status = HTTPStatus.CONFLICT if issubclass(kind, JobError) else status_of(kind)
    return HTTPStatus.BAD_REQUEST if status in BAD else status


def _ours(error: TingxieError) -> Response:
    status = _status(type(error))
    headers = headers_of(error)
    if status == HTTPStatus.CONFLICT and not isinstance(error, KeyInUse):
        headers["X-Should-Retry"] = "false"
    code = next((code for kind, code in CODES.items() if isinstance(error, kind)), error.type)
    return _failure(shown_of(error, status), status, code=code, param=_param(error), headers=headers)


def _param(error: TingxieError) -> str | None:
    if isinstance(error, InvalidFields):
        fields: Sequence[Any] = error.errors
        return str(fields[0]["field"])
    return "model" if isinstance(error, UnknownModel) else None


def _unforeseen(error: Exception) -> Response:
    log.error("http.crashed", exc_info=error)
    return _failure(Problem.of(TingxieError()), 500, code=TingxieError.type)


def _failure(
    shown: Problem, status: int, *, code: str, param: str | None = None, headers: dict[str, str] | None = None
) -> Response:
    g.problem = shown.type
    body = fault(shown, status, code=code, param=param)
    return Response(to_json(body), status, headers=headers, content_type=JSON)
