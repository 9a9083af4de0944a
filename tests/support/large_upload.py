"""Uploads far larger than memory should have to hold, made up as they are sent, and what they cost the front end."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psutil

WAYS = ("multipart", "raw", "tus")
#: what a WAV file begins with; the sizes in it are those of a stream that doesn't know its end
HEADER = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\xff"
PIECE = os.urandom(1 << 20)
FORM_START = b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.wav"\r\n\r\n'
FORM_END = b"\r\n--x--\r\n"
#: a copy of seven gigabytes comes before the last answer
TIMEOUT_S = 900.0


def upload(url: str, way: str, size_bytes: int) -> str:
    """Send a file of that size; returns the id of its job."""
    if way == "multipart":
        body, length = _form(size_bytes), size_bytes + len(FORM_START) + len(FORM_END)
        answer = _send(url, "POST", "/v1/jobs", body, length, {"Content-Type": "multipart/form-data; boundary=x"})
        return str(json.loads(answer[1])["id"])
    if way == "raw":
        answer = _send(url, "POST", "/v1/jobs?filename=large.wav", _file(size_bytes), size_bytes, {})
        return str(json.loads(answer[1])["id"])
    tus = {"Tus-Resumable": "1.0.0"}
    begun = {**tus, "Upload-Length": str(size_bytes), "Upload-Metadata": "submit dHJ1ZQ=="}
    path = _send(url, "POST", "/v1/uploads", iter(()), 0, begun)[0]["location"]
    bytes_of = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    answer = _send(url, "PATCH", path, _file(size_bytes), size_bytes, bytes_of)
    return answer[0]["tingxie-job"].rpartition("/")[2]


def grown_bytes(process: psutil.Process, act: Callable[[], Any]) -> tuple[int, Any]:
    """How far the process's resident memory rose above its level before, at any moment of `act`; and its result."""
    before = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.02):
            peak = max(peak, process.memory_info().rss)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        result = act()
    finally:
        done.set()
        watching.join()
    return max(peak, process.memory_info().rss) - before, result


def _send(  # noqa: PLR0917 (a request has these)
    url: str, method: str, path: str, body: Iterator[bytes], length: int, headers: dict[str, str]
) -> tuple[dict[str, str], bytes]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=TIMEOUT_S)
    try:
        connection.request(method, path, body=body, headers={"Content-Length": str(length), **headers})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status // 100 != 2:
            raise AssertionError(f"{answer.status}: {content!r}")
        return {name.lower(): value for name, value in answer.getheaders()}, content
    finally:
        connection.close()


def _file(size_bytes: int) -> Iterator[bytes]:
    yield HEADER
    left = size_bytes - len(HEADER)
    while left > 0:
        yield PIECE[:left]
        left -= len(PIECE)


def _form(size_bytes: int) -> Iterator[bytes]:
    yield FORM_START
    yield from _file(size_bytes)
    yield FORM_END
