"""Requests that never reach the application are answered like all others."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from tests.integration.api.server import WebServer


def answer(web: WebServer, request: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and document of what the server says to these bytes; it ends the connection."""
    address = urlsplit(web.url)
    with socket.create_connection((address.hostname or "", address.port or 0), 30) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), json.loads(body)


@pytest.mark.parametrize(
    ("request_bytes", "status", "name"),
    [
        pytest.param(b"HELLO\r\n\r\n", 400, "malformed-request", id="no-http"),
        pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", 400, "uri-too-long", id="long-path"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", 431, "headers-too-large", id="long-header"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n", 400, "malformed-request", id="header-name"),
        pytest.param(
            b"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: brotli\r\n\r\n",
            501,
            "unknown-transfer-coding",
            id="transfer-coding",
        ),
    ],
)
def test_what_cannot_be_read_is_a_problem(web: WebServer, request_bytes: bytes, status: int, name: str) -> None:
    found, headers, problem = answer(web, request_bytes)
    assert (found, problem["type"], problem["status"]) == (status, f"/problems/{name}", status)
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["X-Request-Id"] == problem["request_id"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Connection"] == "close"
    assert str(problem["request_id"]) in web.log
