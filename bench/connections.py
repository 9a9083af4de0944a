"""Many held connections: 100 idle event streams, 100 waiting polls and 10 uploads open on one front end, then polls and
submissions by others beside them.

The load is made by another process on the same machine: its share of the time is in the figures.
"""

import io
import os
import socket
import tempfile
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil  # type: ignore[import-untyped]
from redis import Redis

from bench.figure import Figure
from bench.front_end import front_end
from bench.machine import cpu_s
from tests.support.service import Service

STREAMS, WAITING, UPLOADS = 100, 100, 10
#: beside those: so many clients that poll one after the other, and one that submits
POLLERS, POLLS, SUBMISSIONS = 4, 500, 100
#: the streams are idle, so an upload's next piece is the only thing that moves
PIECE = bytes(16 * 1024)


@dataclass(frozen=True, slots=True)
class Latencies:
    seconds: list[float]

    def ms(self, percent: float) -> float:
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, _front_end(Path(name)) as (running, redis):
        process = psutil.Process(running.processes["web"].pid).children()[0]
        job_id = _submit(running.url)
        alone, _ = _load(running.url, job_id)
        with _held(running.url, job_id):
            idle = _idle_cpu(process)
            polls, submissions = _load(running.url, job_id)
            memory = process.memory_info().rss / 1e6
            clients = int(redis.info("clients")["connected_clients"])
        return [
            Figure("polls beside them, p99", polls.ms(99), "ms", "≤ 50"),
            Figure("… median", polls.ms(50), "ms"),
            Figure("polls with nothing held, p99", alone.ms(99), "ms"),
            Figure("submissions beside them, p99", submissions.ms(99), "ms", "≤ 200"),
            Figure("… median", submissions.ms(50), "ms"),
            Figure("memory of the front end", memory, "MB", "≤ 150"),
            Figure("CPU of the front end while nothing happens", 100 * idle, "% of a core"),
            Figure("connections to Redis, all processes", clients, ""),
        ]


@contextmanager
def _front_end(folder: Path) -> Iterator[tuple[Service, "Redis"]]:
    """One front end, and nobody who works: all that is held stays idle."""
    with front_end(folder) as running, Redis.from_url(running.settings.redis_url) as redis:
        yield running, redis


@contextmanager
def _held(url: str, job_id: str) -> Iterator[None]:
    with ExitStack() as held:
        for _ in range(STREAMS):
            stream = held.enter_context(_asked(url, f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: x\r\n\r\n"))
            if not stream.recv(12).endswith(b"200"):
                raise RuntimeError("a stream was refused")
        for _ in range(WAITING):
            held.enter_context(_asked(url, f"GET /v1/jobs/{job_id}?wait=60 HTTP/1.1\r\nHost: x\r\n\r\n"))
        for _ in range(UPLOADS):
            upload = held.enter_context(
                _asked(url, "POST /v1/jobs?filename=a.wav HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n")
            )
            upload.sendall(_recording()[:44] + PIECE)
        yield


@contextmanager
def _asked(url: str, head: str) -> Iterator[socket.socket]:
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port or 80), timeout=30) as connection:
        connection.sendall(head.encode())
        yield connection


def _load(url: str, job_id: str) -> tuple[Latencies, Latencies]:
    with ThreadPoolExecutor(POLLERS + 1) as pool:
        submitting = pool.submit(_timed, url, "POST", "/v1/jobs?filename=a.wav", SUBMISSIONS)
        polling = [pool.submit(_timed, url, "GET", f"/v1/jobs/{job_id}", POLLS) for _ in range(POLLERS)]
        return Latencies([s for each in polling for s in each.result()]), Latencies(submitting.result())


def _timed(url: str, method: str, path: str, times: int) -> list[float]:
    """A pause between two requests, as clients make: latency is asked for here, not throughput."""
    address, taken = urlsplit(url), []
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.connect()
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(times):
        body = _recording(number) if method == "POST" else None
        began = time.perf_counter()
        connection.request(method, path, body=body)
        answer = connection.getresponse()
        answer.read()
        taken.append(time.perf_counter() - began)
        if answer.status not in (200, 202):
            raise RuntimeError(f"{method} {path}: {answer.status}")
        time.sleep(0.01)
    connection.close()
    return taken


def _submit(url: str) -> str:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.request("POST", "/v1/jobs?filename=a.wav", body=_recording())
    location = connection.getresponse().headers["Location"]
    connection.close()
    return location.rpartition("/")[2]


def _idle_cpu(process: psutil.Process, seconds: float = 5.0) -> float:
    before = cpu_s(process)
    time.sleep(seconds)
    return (cpu_s(process) - before) / seconds


def _recording(number: int = 0) -> bytes:
    """A second of sound, another each time."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(number.to_bytes(4, "little") + os.urandom(4) * 7_998)
    return file.getvalue()
