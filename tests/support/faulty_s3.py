"""A service in front of the S3 of the tests that has bad days: slow, overloaded, full, cut off, careless with bytes."""

import http.client
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

METHODS = "GET HEAD PUT POST DELETE"


@dataclass(frozen=True)
class Said:
    """An answer of our own."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def problem(cls, status: int, code: str) -> "Said":
        return cls(status, f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>")


SLOW_DOWN = Said.problem(503, "SlowDown")
FULL = Said.problem(507, "XMinioStorageFull")
DENIED = Said.problem(403, "AccessDenied")

#: told method, path and body's length; what it says is sent in place of the service's answer
Answering = Callable[[str, str, int], Said | None]


def as_the_service(_method: str, _path: str, _length: int) -> None:
    return None


class FaultyS3:
    """Each request is passed on, unless `answering` says otherwise; `seen` holds (method, path) of all of them."""

    def __init__(self, upstream: str) -> None:
        address = urlsplit(upstream)
        self.upstream = (address.hostname or "", address.port or 0)
        self.seen: list[tuple[str, str]] = []
        self.answering: Answering = as_the_service
        #: called before each request is passed on: to wait, or to take its turn
        self.before: Callable[[], object] = lambda: None
        #: answers with a body over 1 kB that end in its middle, so many from now on
        self.cuts = 0
        #: uploads that arrive with a byte changed, so many from now on
        self.damages = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.faulty = self  # type: ignore[attr-defined]
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.before = lambda: None
        self._server.shutdown()
        self._server.server_close()

    def times(self, number: int, said: Said, methods: str = METHODS) -> None:
        """Answer so many of the next requests like that."""
        left = [number]

        def answering(method: str, _path: str, _length: int) -> Said | None:
            if left[0] > 0 and method in methods.split():
                left[0] -= 1
                return said
            return None

        self.answering = answering

    def always(self, said: Said, methods: str = METHODS) -> None:
        self.times(1 << 60, said, methods)

    def heal(self) -> None:
        self.answering, self.before, self.cuts, self.damages = as_the_service, lambda: None, 0, 0

    def count(self, method: str, within: str = "") -> int:
        return sum(1 for each, path in self.seen if each == method and within in path)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        faulty: FaultyS3 = self.server.faulty  # type: ignore[attr-defined]
        faulty.seen.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        faulty.before()
        said = faulty.answering(self.command, self.path, len(body))
        if said is not None:
            self._answer(said.status, {"Content-Type": "application/xml", **said.headers}, said.body.encode())
            return
        if faulty.damages and self.command == "PUT" and body:
            faulty.damages -= 1
            body = bytes([body[0] ^ 1]) + body[1:]
        status, headers, found = self._passed_on(faulty, body)
        if faulty.cuts and len(found) > 1000:
            faulty.cuts -= 1
            self._answer(status, headers, found, sent=len(found) // 2)
            self.close_connection = True
            return
        self._answer(status, headers, found)

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815

    def _passed_on(self, faulty: FaultyS3, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(*faulty.upstream)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)
        length = headers.get("content-length") if self.command == "HEAD" else None
        for name, value in headers.items():
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(ConnectionError):  # the client has gone
                self.wfile.write(body[:sent])

    def log_message(self, *_: Any) -> None:
        pass
