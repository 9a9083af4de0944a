"""An HTTP server on loopback for what the service sends out: it records requests and answers as a test says."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """A header that is empty isn't sent.

    cut_after: break the connection after so many bytes of the body, whatever Content-Length announced.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None


Answering = Callable[[Received], Reply]


class Receiver:
    """`url` is where it listens; `requests` what it got. `host`: any address of 127.0.0.0/8."""

    def __init__(self, answer: Answering = lambda _request: Reply(), *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.answer = answer
        self.requests: list[Received] = []
        self._server = _Server((host, port), _handler(self))
        self.host, self.port = host, self._server.server_address[1]
        self.url = f"http://{host}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            received = Received(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
            receiver.requests.append(received)
            reply = receiver.answer(received)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body if reply.cut_after is None else reply.body[: reply.cut_after])

        do_GET = do_POST = do_HEAD = _handle  # noqa: N815 (the library's names)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    return Handler
