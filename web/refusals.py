"""What gunicorn refuses before the application sees it, as the same problem documents."""

import secrets
import socket
from http import HTTPStatus

import structlog
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from pydantic_core import to_json

from jobs.errors import Problem, RequestError, TingxieError
from web.headers import SECURITY
from web.problems import MEDIA_TYPE, document, status_of
from web.request_log import HEADER

log = structlog.get_logger()


class MalformedRequest(RequestError):
    type = "malformed-request"
    title = "The request isn't valid HTTP"
    remedy = "Use an HTTP client; the server's log says what is wrong."


class UriTooLong(RequestError):
    type = "uri-too-long"
    title = "The path and the query are longer than this server reads"
    remedy = "Send fewer or shorter options; a form takes them too."


class HeadersTooLarge(RequestError):
    type = "headers-too-large"
    title = "The request's headers are larger than this server reads"
    remedy = "Send fewer or shorter headers."
    status = 431


class ExpectationNotMet(RequestError):
    type = "expectation-failed"
    title = "This server meets no other expectation than 100-continue"
    remedy = "Leave the Expect header out."
    status = 417


class UnknownTransferCoding(RequestError):
    type = "unknown-transfer-coding"
    title = "The body comes in a transfer coding that this server doesn't know"
    remedy = "Send it chunked, or with a Content-Length."
    status = 501


_KINDS: tuple[tuple[type[Exception], type[TingxieError]], ...] = (
    (InvalidResponseHeader, TingxieError),
    (InvalidResponseHeaderName, TingxieError),
    (LimitRequestLine, UriTooLong),
    (LimitRequestHeaders, HeadersTooLarge),
    (ExpectationFailed, ExpectationNotMet),
    (UnsupportedTransferCoding, UnknownTransferCoding),
    (ParseException, MalformedRequest),
)


def refuse(client: socket.socket, error: BaseException) -> None:
    """Answer a request that couldn't be read, on its connection, which ends with that."""
    request_id = secrets.token_hex(8)
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), TingxieError)
    status = status_of(kind)
    ours = kind is TingxieError
    tell = log.error if ours else log.info
    tell(
        "http.refused",
        request_id=request_id,
        problem=kind.type,
        reason=str(error)[:200],
        exc_info=error if ours else None,
    )
    body = to_json(document(Problem(kind.type, kind.title, kind.title, kind.remedy), status, (), request_id))
    headers = {
        **SECURITY,
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        HEADER: request_id,
    }
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    client.sendall("\r\n".join([*lines, "", ""]).encode() + body)
