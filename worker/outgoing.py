"""Requests to servers that strangers name: the one way out for fetches and webhooks (docs/decisions/outgoing-guard.md).

A name is looked up once, every address found is judged, and the connection goes to the very address that was judged;
Host, SNI and certificate go by the name all the same. No proxy, no cookies, no decompression, redirects by hand.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cached_property
from http import HTTPStatus
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin

import httpcore
from httpx import create_ssl_context

from jobs.addresses import Address
from jobs.outgoing import AllowedHosts, Target, check_address, check_url

REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
#: of one name; the first that connects is used
MOST_ADDRESSES = 8
USER_AGENT = f"tingxie/{version('tingxie')}"

#: name and port → addresses as text. Raises OSError.
LookUp = Callable[[str, int], Iterable[str]]


class RequestFailed(Exception):
    """The network or the server failed; another attempt may work. The message is for the URL's owner."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Limits:
    """In seconds: to connect (the look-up, each address, TLS), between two pieces of data, and for everything."""

    connect_s: float
    idle_s: float
    total_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower case) and URL at the end of the redirects; `chunks` reads the body, once."""

    status: int
    headers: Mapping[str, str]
    url: str
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class _Message:
    """What is sent, over all redirects."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    limits: Limits
    deadline: float


def system_look_up(name: str, port: int) -> list[str]:
    """By the system's resolver, /etc/hosts included."""
    return [str(found[4][0]) for found in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)]


def retry_after_s(headers: Mapping[str, str]) -> float:
    """What Retry-After asks for, in seconds or as a date; 0 where it says nothing that can be read."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


class Outgoing:
    """Threads may share it; nothing is kept between two requests."""

    def __init__(self, allowed: AllowedHosts, *, look_up: LookUp = system_look_up) -> None:
        self._allowed = allowed
        self._look_up = look_up

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Reading all certificates takes a tenth of a second."""
        return create_ssl_context()

    @contextmanager
    def request(
        self,
        method: str,
        url: str,
        *,
        limits: Limits,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        redirects: int = 0,
    ) -> Iterator[Answer]:
        """Send a request. Raises UrlRefused and RequestFailed, also while the body is read.

        redirects: how many are followed, each judged like the first URL; without any, a redirect is the answer.
        """
        message = _Message(method, headers or {}, body, limits, time.monotonic() + limits.total_s)
        left = redirects
        while True:
            target = check_url(url, self._allowed)
            addresses = self._resolve(target, limits)
            with self._send(message, target, addresses) as answer:
                if not redirects or answer.status not in REDIRECTS or "location" not in answer.headers:
                    yield answer
                    return
                if not left:
                    raise RequestFailed(f"{target.host} redirects again after {redirects} redirects")
                left -= 1
                url = urljoin(target.url, answer.headers["location"])

    def _resolve(self, target: Target, limits: Limits) -> list[Address]:
        """The addresses to connect to. One that is refused refuses all: such a name means mischief."""
        if target.address is not None:
            return [target.address]
        found = [ip_address(text) for text in _in_time(self._look_up, target, limits.connect_s)]
        if not found:
            raise RequestFailed(f"the name {target.host} has no address")
        for address in found:
            check_address(target, address, self._allowed)
        return list(dict.fromkeys(found))[:MOST_ADDRESSES]

    @contextmanager
    def _send(self, message: "_Message", target: Target, addresses: list[Address]) -> Iterator[Answer]:
        headers = {"Host": target.authority, "User-Agent": USER_AGENT, "Accept-Encoding": "identity", **message.headers}
        limits = message.limits
        timeouts = {"connect": limits.connect_s, "read": limits.idle_s, "write": limits.idle_s}
        backend = _Pinned(addresses, message.deadline)
        tls = self._tls if target.scheme == "https" else None
        with (
            _failures(target),
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream(
                message.method,
                target.url,
                headers=list(headers.items()),
                content=message.body or None,
                extensions={"timeout": timeouts},
            ) as response,
        ):
            received = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}

            def chunks() -> Iterator[bytes]:
                with _failures(target):
                    yield from response.iter_stream()

            yield Answer(response.status, received, target.url, chunks)


class _Pinned(httpcore.NetworkBackend):
    """Connects to these addresses only, in turn, whatever the name; nothing lasts beyond the deadline."""

    def __init__(self, addresses: list[Address], deadline: float) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,  # noqa: ARG002 (what it resolved to was judged)
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception | None = None
        for address in self._addresses:
            try:
                left_s = _time_left(timeout, self._deadline)
                stream = self._sockets.connect_tcp(str(address), port, left_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Timed(stream, self._deadline)
        raise failure or httpcore.ConnectError("no address")


class _Timed(httpcore.NetworkStream):
    """A connection, none of whose waits lasts beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _time_left(timeout, self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _time_left(timeout, self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, _time_left(timeout, self._deadline))
        return _Timed(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _time_left(timeout_s: float | None, deadline: float) -> float:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise httpcore.ReadTimeout("it took too long altogether")
    return left_s if timeout_s is None else min(timeout_s, left_s)


def _in_time(look_up: LookUp, target: Target, timeout_s: float) -> Iterable[str]:
    """The look-up's answer; the system's resolver takes no timeout, so it runs in a thread that may be left behind."""
    found: list[str] = []
    failed: list[OSError] = []

    def run() -> None:
        try:
            found.extend(look_up(target.host, target.port))
        except OSError as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="look-up", daemon=True)
    thread.start()
    thread.join(timeout_s)
    if thread.is_alive():
        raise RequestFailed(f"the name {target.host} was not resolved within {timeout_s:g} s")
    if failed:
        raise RequestFailed(f"the name {target.host} can't be resolved: {failed[0].strerror or failed[0]}")
    return found


@contextmanager
def _failures(target: Target) -> Iterator[None]:
    """The library's errors as ours."""
    try:
        yield
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise RequestFailed(f"{target.host}: {str(error) or type(error).__name__}") from error
