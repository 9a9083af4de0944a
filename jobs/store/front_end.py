"""Calls to the front end that has the store: repeated where that is safe, bytes checked, errors turned into ours."""

import hashlib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx

from jobs.errors import ObjectMissing, StoreFull, StoreUnavailable, UploadChecksumMismatch
from jobs.store import wire

#: pauses before a call is tried again, in seconds: they bridge a restarted front end or a broken connection
PAUSES_S = (0.1, 0.5, 2.0)
#: one that is away for longer is reported, and its work handed back
PATIENCE_S = 8.0
#: read: a folder that is removed, ten gigabytes that are synced to a slow disk
TIMEOUT = httpx.Timeout(30.0, connect=5.0, read=120.0)
#: shorter than the front end keeps a connection, so that none is used while it is being closed
IDLE_S = 10.0
#: of a body that broke off or isn't what was sent, and of one that asks too often
PASSING = (400, 408, 429, UploadChecksumMismatch.status)


class Refused(StoreUnavailable):
    """It won't serve this worker, however often it is asked."""


class Away(StoreUnavailable):
    """It may answer later. pause_s: what it asks for; 0 where it says nothing."""

    def __init__(self, detail: str, pause_s: float = 0.0) -> None:
        super().__init__(detail)
        self.pause_s = pause_s


class FrontEnd:
    """Threads share it. Raises ObjectMissing, StoreFull, Refused or Away."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._client = httpx.Client(
            base_url=url + wire.BASE,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            limits=httpx.Limits(keepalive_expiry=IDLE_S),
            trust_env=False,
            # the system's authorities, and SSL_CERT_FILE: an inner network has its own
            verify=ssl.create_default_context(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._client.close()

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Only for what may be done twice."""
        began = time.monotonic()
        for least_s in PAUSES_S:
            try:
                return self.call_once(method, path, **arguments)
            except Away as error:
                pause_s = max(least_s, error.pause_s)
                if time.monotonic() + pause_s - began > PATIENCE_S:
                    raise
                time.sleep(pause_s)
        return self.call_once(method, path, **arguments)

    def call_once(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        with self._translated():
            answer = self._client.request(method, path, **arguments)
        if answer.is_error:
            self._raise(answer)
        told = wire.digest_in(answer.headers.get(wire.DIGEST, ""))
        if told is not None and told != hashlib.sha256(answer.content).digest():
            raise Away(f"what {self.url} sent isn't what it read")
        return answer

    def lines(self, path: str, **arguments: Any) -> Iterator[str]:
        """An answer's lines, as they come."""
        with self._translated(), self._client.stream("GET", path, **arguments) as answer:
            if answer.is_error:
                answer.read()
                self._raise(answer)
            yield from answer.iter_lines()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise Away(f"no answer from {self.url}: {error or type(error).__name__}") from error

    def _raise(self, answer: httpx.Response) -> NoReturn:
        if wire.GONE in answer.headers:
            raise ObjectMissing(f"{answer.request.url.path} is not there")
        problem = _problem(answer)
        said = f"{self.url} says {answer.status_code}: {problem.get('title') or 'no reason'}"
        if problem.get("type") == f"/problems/{StoreFull.type}":
            raise StoreFull(said)
        if answer.status_code in PASSING or answer.is_server_error:
            raise Away(said, _pause_s(answer))
        raise Refused(said)


def _problem(answer: httpx.Response) -> dict[str, Any]:
    """Empty where it isn't ours that answers, or where there is no body (HEAD)."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _pause_s(answer: httpx.Response) -> float:
    said = answer.headers.get("Retry-After", "")
    return float(said) if said.isdecimal() else 0.0
