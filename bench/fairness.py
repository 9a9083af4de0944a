"""How long a 10 s clip takes, from upload to transcript over HTTP, alone and while a ten-hour job runs.

Submitted one after another at any moment of the long job's batches, polled until succeeded. Simulated devices (160 ms
for 20 s of audio) with the long job cut already, then the bundled model with `tingxie up`'s defaults, where the long
job is uploaded, decoded and cut meanwhile, on the same cores.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from bench.figure import Figure
from bench.long_job import Objects, devices
from bench.stack import service
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from tingxie.client import Client

ROOT = Path(__file__).parents[1]
TEN_HOURS_S = 36_000.0
CLIP_S = 10.0
#: the idle latency is much the same each time
IDLE_CLIPS, BUSY_CLIPS = 10, 30
#: the longest pause before a clip, so that clips don't keep step with batches
PAUSE_S = 1.0
POLL_S = 0.02
TIMEOUT_S = 120.0
#: seconds above the idle latency
TARGET = "≤ 4"


def measure() -> list[Figure]:
    return [*_simulated(1), *_simulated(4), *_bundled()]


def _simulated(count: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = [_write(folder / f"{seed}.wav", wav(CLIP_S, seed)) for seed in range(IDLE_CLIPS + BUSY_CLIPS)]
        objects = Objects.write(folder / "objects", TEN_HOURS_S)
        with devices(folder / "service", count, objects, web=True) as (running, job), Client(running.url) as client:
            idle = _latencies(client, clips[:IDLE_CLIPS])
            job.release()
            eventually(lambda: job.windows_done() > 0)
            busy = _latencies(client, clips[IDLE_CLIPS:], still=lambda: job.windows_done() < len(objects.windows))
    return _figures(f"{count} simulated device{'s' if count > 1 else ''}", idle, busy)


def _bundled() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, service() as client:
        folder = Path(name)
        speech, rate_hz = soundfile.read(min((ROOT / "tests/data/long").glob("*.opus")), dtype="int16")
        clips = _cut_clips(folder, speech, rate_hz)
        client.wait(client.submit(clips.pop()).id, timeout_s=TIMEOUT_S)  # loaded and measured once
        idle = _latencies(client, clips[:IDLE_CLIPS])
        job = client.submit(_write_long(folder / "long.wav", speech, rate_hz))
        eventually(lambda: client.status(job.id).covered_s > 0, TIMEOUT_S)
        busy = _latencies(client, clips[IDLE_CLIPS:], still=lambda: client.status(job.id).state == "running")
        client.cancel(job.id)
    return _figures("bundled model", idle, busy)


def _cut_clips(folder: Path, speech: Any, rate_hz: int) -> list[Path]:
    """Each another one, so that none shares the work of the last; one to spare."""
    count, length = IDLE_CLIPS + BUSY_CLIPS + 1, round(CLIP_S * rate_hz)
    step = (len(speech) - length) // count
    paths = [folder / f"{number}.wav" for number in range(count)]
    for number, path in enumerate(paths):
        soundfile.write(path, speech[number * step : number * step + length], rate_hz, subtype="PCM_16")
    return paths


def _write_long(path: Path, speech: Any, rate_hz: int) -> Path:
    """The recording over and over, for ten hours."""
    left = round(TEN_HOURS_S * rate_hz)
    with soundfile.SoundFile(path, "w", rate_hz, 1, "PCM_16") as file:
        while left > 0:
            file.write(speech[:left])
            left -= len(speech)
    return path


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _latencies(client: Client, clips: list[Path], *, still: Callable[[], bool] = lambda: True) -> list[float]:
    """Seconds that each of the clips takes, for as long as the long job runs."""
    moments = random.Random(0)
    found: list[float] = []
    for clip in clips:
        if not still():
            break
        time.sleep(moments.uniform(0, PAUSE_S))
        began = time.monotonic()
        job = client.submit(clip)
        while client.status(job.id).state != "succeeded":
            time.sleep(POLL_S)
            if time.monotonic() - began > TIMEOUT_S:
                raise RuntimeError(f"a clip took more than {TIMEOUT_S:g} s")
        found.append(time.monotonic() - began)
    return found


def _figures(what: str, idle: list[float], busy: list[float]) -> list[Figure]:
    p95 = statistics.quantiles(busy, n=20)[-1]
    usual = statistics.median(idle)
    return [
        Figure(f"{what}: idle latency, median", usual, "s"),
        Figure("… beside a ten-hour job, median", statistics.median(busy), "s"),
        Figure("… p95", p95, "s"),
        Figure("… p95 above idle", p95 - usual, "s", TARGET),
        Figure("… clips measured", len(busy), ""),
    ]
