"""One long job on 1, 2, 4, 8 … simulated devices (160 ms for 20 s of audio each, asleep): speed-up and overhead.

The devices are idle (a short job has warmed them), and the clock starts when the job's cut windows are there. It stops
at the last window's commit: that is what efficiency counts (the speed-up over one device, divided by their number).
One process writes the transcript after that. Interpreter time is the CPU time of the transcribe processes: claim, load,
commit, hint, and their upkeep (`overhead` measures it alone). One device's time is taken beside those of a few others,
which leave the cores idle.
"""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure
from bench.long_job import Objects, devices
from bench.machine import cpu_s
from tests.support.waiting import eventually

POLL_S = 0.02
TIMEOUT_S = 1200.0


@dataclass(frozen=True, slots=True)
class Measured:
    """seconds: to the last commit. transcript_s: from then on. interpreter_s: of all devices together."""

    seconds: float
    transcript_s: float
    windows: int
    interpreter_s: float


def measure() -> list[Figure]:
    """An hour on up to eight devices: short for that many batches of 2 s, so efficiency has no target here."""
    return _measure(3600.0, beside=(1, 8), alone=(2, 4), efficiency="")


def measure_ten_hours() -> list[Figure]:
    return _measure(36_000.0, beside=(2, 4, 8), alone=(16, 32), efficiency="≥ 95")


def _measure(audio_s: float, *, beside: tuple[int, ...], alone: tuple[int, ...], efficiency: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = Objects.write(folder / "objects", audio_s)
        with ThreadPoolExecutor() as pool:
            one = pool.submit(_run, folder, objects, 1)
            runs = {count: _run(folder, objects, count) for count in beside}
            runs[1] = one.result()
        runs |= {count: _run(folder, objects, count) for count in alone}
    figures = []
    for count, run in sorted(runs.items()):
        share = 100 * runs[1].seconds / run.seconds / count
        speed = run.windows / run.seconds
        figures.append(Figure(f"{count} devices: windows a second", speed, "/s", curve="measured", at=count))
        figures.append(Figure("… scaling efficiency", share, "%", efficiency if count > 1 else ""))
        figures.append(Figure("… interpreter time a window", 1000 * run.interpreter_s / run.windows, "ms"))
        figures.append(Figure("… last commit to transcript", run.transcript_s, "s"))
    return figures


def _run(folder: Path, objects: Objects, count: int) -> Measured:
    with devices(folder / f"{count}-devices", count, objects) as (running, job):
        processes = [psutil.Process(each.pid) for name, each in running.processes.items() if "device" in name]
        job.release()
        spent, began = cpu_s(*processes), time.monotonic()
        eventually(lambda: job.windows_done() == len(objects.windows), TIMEOUT_S, every_s=POLL_S)
        ended = time.monotonic()
        spent = cpu_s(*processes) - spent
        running.wait(job.id, TIMEOUT_S)
        return Measured(ended - began, time.monotonic() - ended, len(objects.windows), spent)
