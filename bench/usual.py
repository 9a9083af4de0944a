"""The service against the usual app (bench/usual_app.py): the same files sent at once, longest first, to each in turn.

The app: 2 Celery workers (solo pool) of one torch thread each. The service: `tingxie up` as it comes. Both are warm:
their models have transcribed a clip. Throughput is all audio by the time from the first upload to the last text; a
file's latency is from its upload to its text, polled by both alike.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx

from bench import recordings
from bench.fast_dtypes import OPT_IN_DTYPES
from bench.figure import Figure
from bench.random_weights import default_architecture
from bench.stack import service
from tests.support.waiting import eventually
from tingxie import redis_server
from tingxie.client import Client
from tingxie.stack import choose_port

ROOT = Path(__file__).parents[1]
POLL_S = 0.25
TIMEOUT_S = 1800.0
CLIP_S = 10.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """minutes of the long ones, longest first; then so many clips of 10 s. The targets are ratios to the app."""

    long_min: tuple[float, ...]
    clips: int
    throughput: str
    p95: str

    def write(self, folder: Path) -> list[Path]:
        lengths_s = [*(60 * minutes for minutes in self.long_min), *[CLIP_S] * self.clips]
        starts_s = [37.0 * number % 650 for number in range(len(lengths_s))]  # each another sound
        return [
            recordings.write(folder / f"{number:03}.wav", seconds, start_s=start_s)
            for number, (seconds, start_s) in enumerate(zip(lengths_s, starts_s, strict=True))
        ]

    @property
    def audio_s(self) -> float:
        return 60 * sum(self.long_min) + CLIP_S * self.clips


DEFAULT = Load((6, *[1] * 6), 20, "≥ 4", "≥ 8")
BUNDLED = Load((30, *[3] * 10), 50, "≥ 1.5", "≥ 5")


class Peer(Protocol):
    def submit(self, path: Path) -> str: ...

    def is_done(self, name: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Service:
    client: Client

    def submit(self, path: Path) -> str:
        return self.client.submit(path).id

    def is_done(self, name: str) -> bool:
        job = self.client.status(name)
        assert job.problem is None, job
        return job.state == "succeeded"


@dataclass(frozen=True, slots=True)
class UsualApp:
    http: httpx.Client

    def submit(self, path: Path) -> str:
        with path.open("rb") as file:
            return str(self.http.post("/transcribe", files={"file": file}).raise_for_status().json()["id"])

    def is_done(self, name: str) -> bool:
        answer = self.http.get(f"/result/{name}").raise_for_status().json()
        assert answer["state"] != "FAILURE", answer
        return bool(answer["state"] == "SUCCESS")


def measure_bundled(load: Load = BUNDLED) -> list[Figure]:
    return _measure(ROOT / "worker/bundled", "bundled", load)


def measure_default(load: Load = DEFAULT) -> list[Figure]:
    """With int8 beside the service's own choice, where this CPU can."""
    folder = default_architecture()
    return _measure(folder, str(folder), load, others=OPT_IN_DTYPES)


def _measure(folder: Path, model: str, load: Load, others: Sequence[str] = ()) -> list[Figure]:
    """others: dtypes to choose for the service."""
    with tempfile.TemporaryDirectory() as name:
        files = load.write(Path(name))
        warming = recordings.write(Path(name, "warming.wav"), CLIP_S, start_s=300.0)
        with service("--model", model) as client:
            ours_s, ours_p95_s = _run(Service(client), files, [warming], load)
        chosen_s: dict[str, float] = {}
        for dtype in others:
            with service("--model", model, TINGXIE_DTYPE=dtype) as client:
                chosen_s[dtype], _ = _run(Service(client), files, [warming], load)
        with _usual_app(Path(name), folder) as http:
            theirs_s, theirs_p95_s = _run(UsualApp(http), files, [warming] * 2 * WORKERS, load)
    figures = [
        Figure("service", load.audio_s / ours_s, "× real time"),
        Figure("… 10 s clips, p95", ours_p95_s, "s"),
        Figure("usual app", load.audio_s / theirs_s, "× real time"),
        Figure("… 10 s clips, p95", theirs_p95_s, "s"),
        Figure("throughput, service ÷ usual app", theirs_s / ours_s, "×", load.throughput),
        Figure("p95 of the clips, usual app ÷ service", theirs_p95_s / ours_p95_s, "×", load.p95),
    ]
    for dtype, seconds in chosen_s.items():
        figures += [
            Figure(f"service with TINGXIE_DTYPE={dtype}", load.audio_s / seconds, "× real time"),
            Figure("… throughput ÷ usual app", theirs_s / seconds, "×"),
        ]
    return figures


def _run(peer: Peer, files: list[Path], warming: list[Path], load: Load) -> tuple[float, float]:
    """Seconds from the first upload to the last text, and the clips' 95th percentile."""
    _latencies(peer, warming)
    began = time.monotonic()
    latencies = _latencies(peer, files)
    seconds = time.monotonic() - began
    p95_s = statistics.quantiles(latencies[-load.clips :], n=20, method="inclusive")[-1]
    print(f"{type(peer).__name__}: {seconds:.1f} s for {load.audio_s:.0f} s of audio; clips p95 {p95_s:.1f} s")
    return seconds, p95_s


def _latencies(peer: Peer, files: list[Path]) -> list[float]:
    """Of each file; raises TimeoutError."""
    sent = [(time.monotonic(), peer.submit(path)) for path in files]
    found: dict[int, float] = {}
    deadline = time.monotonic() + TIMEOUT_S
    while len(found) < len(files):
        for number, (began, name) in enumerate(sent):
            if number not in found and peer.is_done(name):
                found[number] = time.monotonic() - began
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(files) - len(found)} files are not done after {TIMEOUT_S:.0f} s")
        time.sleep(POLL_S)
    return [found[number] for number in range(len(files))]


@contextmanager
def _usual_app(folder: Path, model: Path) -> Iterator[httpx.Client]:
    redis = redis_server.start(folder / "redis")
    (folder / "uploads").mkdir()
    port = choose_port(0)
    environment = {
        **os.environ, "REDIS_URL": redis.url, "UPLOADS": str(folder / "uploads"), "MODEL": str(model),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    worker = ["celery", "-A", "bench.usual_app:queue", "worker", "--pool", "solo", "--loglevel", "warning", "-n"]
    front = ["flask", "--app", "bench.usual_app", "run", "--port", str(port)]
    commands = [front, *([*worker, f"worker{number}"] for number in range(WORKERS))]
    processes = [_start(command, environment) for command in commands]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60.0) as http:
            eventually(lambda: _answers(http), 60.0)
            yield http
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)
        redis.stop()


def _start(command: list[str], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/result/none").is_success
    except httpx.TransportError:
        return False
