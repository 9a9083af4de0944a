"""Polls a second of one front end, 50 connections: with a key and its limit, beside a bare Flask view with one GET.

Both are the same gunicorn (one process, 32 threads), started for this; rounds take turns, so that whatever else the
machine does falls on both alike. Every connection polls a job of its own, all of them queued, and sends the next
request when it has the answer. The generator, Redis and the server share the machine's cores.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.figure import Figure
from jobs.api_key import Scope
from jobs.keyring import Keyring, Limits
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from tests.support import ledger as given
from tests.support.waiting import eventually
from tingxie import redis_server

CONNECTIONS = 50
ROUNDS = 5
ROUND_S = 4.0
WARM_UP_S = 1.5
#: a limit that is counted like any other, and never reached
LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Round:
    answers: int
    seconds: float
    latencies_s: list[float]

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, _servers(Path(name)) as (ours, bare):
        for target in (ours, bare):
            target.load(WARM_UP_S)
        rounds = [(ours.load(ROUND_S), bare.load(ROUND_S)) for _ in range(ROUNDS)]
    polls = statistics.median(mine.rate for mine, _ in rounds)
    gets = statistics.median(other.rate for _, other in rounds)
    latencies = sorted(each for mine, _ in rounds for each in mine.latencies_s)
    return [
        Figure("polls with key and limit", polls, "/s", "≥ 1000"),
        Figure("… p99", 1000 * latencies[len(latencies) * 99 // 100], "ms"),
        Figure("bare Flask view with one GET", gets, "/s"),
        Figure("polls as a share of it", statistics.median(m.rate / o.rate for m, o in rounds), "", "≥ 0.7"),
    ]


@dataclass(frozen=True, slots=True)
class Target:
    port: int
    requests: list[bytes]

    def load(self, seconds: float) -> Round:
        return asyncio.run(self._load(seconds))

    async def _load(self, seconds: float) -> Round:
        loop = asyncio.get_running_loop()
        clients = [_Client(self.requests[number % len(self.requests)]) for number in range(CONNECTIONS)]
        for client in clients:
            await loop.create_connection(partial(_itself, client), "127.0.0.1", self.port)
        began = time.perf_counter()
        for client in clients:
            client.send()
        await asyncio.sleep(seconds)
        took = time.perf_counter() - began
        answers = sum(len(client.latencies_s) for client in clients)
        for client in clients:
            client.close()
        if wrong := [client.wrong for client in clients if client.wrong]:
            raise RuntimeError(f"not answered 200: {wrong[0]!r}")
        return Round(answers, took, [each for client in clients for each in client.latencies_s])


class _Client(asyncio.Protocol):
    """One connection with one request on its way; knows just enough HTTP to find an answer's end."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._held = b""
        self._sent = 0.0
        self.latencies_s: list[float] = []
        self.wrong = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def send(self) -> None:
        self._sent = time.perf_counter()
        self._transport.write(self._request)

    def close(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, body = self._held.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n", 1)[0]):
            return
        self._held = b""
        if not head.startswith(b"HTTP/1.1 200"):
            self.wrong = head
            return
        self.latencies_s.append(time.perf_counter() - self._sent)
        self.send()


def _itself(client: _Client) -> _Client:
    return client


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[Target, Target]]:
    redis = redis_server.start(folder / "redis")
    started: list[subprocess.Popen[str]] = []
    try:
        settings = Settings(redis_url=redis.url, data_dir=folder)
        key, token = Keyring(open_store(settings.store)).create(
            "bench", [Scope.READ], limits=Limits(requests_per_minute=LIMIT)
        )
        jobs = _queued(settings, key.owner)
        environment = {"TINGXIE_REDIS_URL": redis.url, "TINGXIE_DATA_DIR": str(folder), "PATH": "/usr/bin:/bin"}
        ports = []
        for name, command in (("ours", ("tingxie", "web", "--port", "0")), ("bare", ("bench.bare_view",))):
            with (folder / f"{name}.log").open("wb") as log:
                started.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command], env=environment, stdout=log, stderr=log, text=True
                    )
                )
            ports.append(eventually(partial(_port, folder / f"{name}.log"), 60.0))
        head = f"Host: 127.0.0.1\r\nUser-Agent: bench\r\nAccept: */*\r\nAuthorization: Bearer {token}\r\n\r\n"
        paths = [f"/v1/jobs/{job}" for job in jobs]
        requests = [f"GET {path} HTTP/1.1\r\n{head}".encode() for path in paths]
        yield Target(ports[0], requests), Target(ports[1], [f"GET /get HTTP/1.1\r\n{head}".encode()])
    finally:
        for process in started:
            process.terminate()
            process.wait(30)
        redis.stop()


def _queued(settings: Settings, owner: str) -> list[str]:
    ledger = Ledger.connect(settings)
    ledger.announce(given.spec())
    requests = [given.request(owner=owner, metadata={"meeting": "42"}, sha256=f"{n:064d}") for n in range(CONNECTIONS)]
    for request in requests:
        ledger.create(request)
    ledger.close()
    return [request.id for request in requests]


def _port(log: Path) -> int:
    lines = [line for line in log.read_text().splitlines() if line.startswith("listening ")]
    return int(lines[0].split()[1].rpartition(":")[2]) if lines else 0
