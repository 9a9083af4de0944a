"""Idempotency-Key: a POST that is sent again, since its answer got lost, creates nothing twice.

    @blueprint.post("")
    @idempotent()                      # right below the route; for bodies up to `max_bytes`
    def create(…): …

    @blueprint.post("")
    @idempotent(streamed=True)         # the view reads the body, and then, before it creates anything:
    def submit(…):
        …
        earlier = settle(*what_was_asked_for, creates=new_id)

The same key of the same owner repeats the first answer for a day; with another payload it is refused, and so it is
while the first request is at it. Only answers of success are kept: whatever failed may be tried again.
"""

import functools
import io
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import structlog
from flask import Response, current_app, g, request

from jobs.errors import InvalidRequest, RequestError, Unavailable
from jobs.ledger import Ledger
from jobs.ledger.attempt_calls import HOLD_S, Attempt, Earlier
from web.openapi import IDEMPOTENCY_ERRORS, IDEMPOTENT
from web.services import current_owner, services
from web.upload import close_after_answer
from web.validation import whole_body

log = structlog.get_logger()

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_KEY_CHARS = 255
MAX_BYTES = 1024 * 1024
RENEW_S = HOLD_S / 3

View = Callable[..., Any]


class KeyInUse(RequestError):
    type = "idempotency-key-in-use"
    title = "A request with this Idempotency-Key is still at work"
    remedy = "Wait for its answer, or send the same request again a little later."
    status = 409
    headers = {"Retry-After": "1"}  # noqa: RUF012


class KeyReused(RequestError):
    type = "idempotency-key-reused"
    title = "This Idempotency-Key belongs to another request"
    remedy = "Choose a new key for each new request; repeat one only with the same content."
    status = 422


IDEMPOTENCY_ERRORS.extend((KeyInUse, KeyReused))


class _Replay(Exception):
    """The answer is known: leave the view with it."""

    def __init__(self, answer: Response) -> None:
        super().__init__()
        self.answer = answer


@dataclass(slots=True)
class _Current:
    """The attempt of the current request, and what is known of those before it."""

    attempt: Attempt
    earlier: Earlier


def idempotent(*, streamed: bool = False, max_bytes: int = MAX_BYTES) -> Callable[[View], View]:
    def decorated(view: View) -> View:
        @functools.wraps(view)
        def wrapped(*args: Any, **named: Any) -> Any:
            if HEADER not in request.headers:
                return view(*args, **named)
            with _attempt() as current:
                try:
                    if not streamed:
                        settle(sha256(_body(max_bytes)).hexdigest())
                    answer = current_app.make_response(view(*args, **named))
                except _Replay as replay:
                    close_after_answer()
                    return replay.answer
                _keep(current.attempt, answer)
                return answer

        wrapped._spec = _described(getattr(view, "_spec", {}))  # type: ignore[attr-defined]  # noqa: SLF001 (APIFlask's)
        return wrapped

    return decorated


def settle(*parts: str, creates: str = "") -> str:
    """Call it when all that is asked for is known, before anything is created; leaves the view if it was before.

    Returns the id that an earlier request was about to create, where that one found no end: it may exist.
    Without an Idempotency-Key it does nothing. Raises KeyReused.
    """
    current: _Current | None = g.get("attempt")
    if current is None:
        return ""
    asked = json.dumps([request.method, request.path, request.query_string.decode("latin-1"), *parts])
    fingerprint = sha256(asked.encode()).hexdigest()
    earlier = current.earlier
    if earlier.fingerprint and earlier.fingerprint != fingerprint:
        raise KeyReused(f"The {HEADER} was first sent with another request, or with other content.")
    if earlier.status:
        raise _Replay(_repeated(earlier))
    services().ledger.tell_attempt(current.attempt, fingerprint, creates or earlier.creates)
    return earlier.creates


@contextmanager
def _attempt() -> Iterator[_Current]:
    """Hold the request's key while it is at work. Raises KeyInUse."""
    ledger = services().ledger
    attempt = Attempt(current_owner(), sha256(_key().encode()).hexdigest(), secrets.token_hex(8))
    earlier = ledger.begin_attempt(attempt)
    if earlier.held:
        raise KeyInUse
    g.attempt = _Current(attempt, earlier)
    done = threading.Event()
    keeper = threading.Thread(target=_renew, args=(ledger, attempt, done), name="idempotency", daemon=True)
    keeper.start()
    try:
        yield g.attempt
    finally:
        done.set()
        if not earlier.status:
            _end(ledger, attempt)


def _renew(ledger: Ledger, attempt: Attempt, done: threading.Event) -> None:
    while not done.wait(RENEW_S):
        try:
            ledger.renew_attempt(attempt)
        except Unavailable as error:
            log.warning("idempotency.unrenewed", error=error.detail)


def _keep(attempt: Attempt, answer: Response) -> None:
    if answer.status_code // 100 == 2 and not answer.is_streamed:  # noqa: PLR2004
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
        _end(
            services().ledger,
            attempt,
            status=answer.status_code,
            headers=json.dumps(headers).encode(),
            body=answer.get_data(),
        )


def _end(ledger: Ledger, attempt: Attempt, **answer: Any) -> None:
    """A Redis that is away costs a repeated answer later, not this one."""
    try:
        ledger.end_attempt(attempt, **answer)
    except Unavailable as error:
        log.warning("idempotency.unended", error=error.detail)


def _repeated(earlier: Earlier) -> Response:
    headers = {**json.loads(earlier.headers), REPLAYED: "true"}
    return Response(earlier.body, earlier.status, headers=headers)


def _key() -> str:
    """The header's string (RFC 8941), or the bare text that many clients send."""
    sent = request.headers[HEADER].strip()
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if not 0 < len(key) <= MAX_KEY_CHARS or not key.isprintable() or not key.isascii():
        raise InvalidRequest(f"The {HEADER} isn't 1 to {MAX_KEY_CHARS} printable ASCII characters.")
    return key


def _body(max_bytes: int) -> bytes:
    """The body, read here, and once more by the view."""
    body = whole_body(request, max_bytes)
    request.environ["wsgi.input"] = io.BytesIO(body)
    return body


def _described(spec: dict[str, Any]) -> dict[str, Any]:
    extensions = {**(spec.get("extensions") or {}), IDEMPOTENT: True}
    return {**spec, "extensions": extensions}
