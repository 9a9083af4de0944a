"""One long job on 1, 2, 4, 8 … simulated devices (160 ms for 20 s of audio each, asleep): speed-up and overhead.

The windows are cut before the clock starts, and it stops when the transcript is there. Efficiency is the speed-up over
one device, divided by their number. Interpreter time is the CPU time of the transcribe processes: claim, load, commit,
hint, heartbeat.
"""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import soundfile

from bench.figure import Figure
from bench.gated_device import GATE
from jobs.settings import Settings
from tests.support.fake_model import RATE_HZ, FakeModel
from tests.support.service import Service, service
from tests.support.speechlike import sound
from tests.support.waiting import eventually
from tingxie import redis_server

#: fixed cutting, 19 s kept of each 20 s
WINDOW = {"cutting": "fixed", "window_s": 20.0, "context_s": 0.5}
BATCH_WINDOWS = 16
#: 16 windows of 160 ms are 2.6 s: the overhead is measured at whole batches
OVERHEAD_BATCH_S = 3.0
TIMEOUT_S = 1200.0


@dataclass(frozen=True, slots=True)
class Measured:
    seconds: float
    windows: int
    interpreter_s: float


def measure() -> list[Figure]:
    """An hour on up to eight devices: short for that many batches of 2 s, so efficiency has no target here."""
    return _measure(3600.0, (1, 2, 4, 8), efficiency="")


def measure_ten_hours() -> list[Figure]:
    return _measure(36_000.0, (1, 2, 4, 8, 16, 32), efficiency="≥ 95")


def _measure(audio_s: float, counts: tuple[int, ...], *, efficiency: str) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        audio = folder / "audio.wav"
        _write_audio(audio, audio_s)
        runs = {count: _run(folder / f"{count}-devices", audio, count) for count in counts}
        whole_batches = _run(folder / "whole-batches", audio, 1, batch_compute_s=OVERHEAD_BATCH_S)
    figures = []
    for count, run in runs.items():
        share = 100 * runs[1].seconds / run.seconds / count
        figures.append(Figure(f"{count} devices: windows a second", run.windows / run.seconds, "/s"))
        figures.append(Figure("… scaling efficiency", share, "%", efficiency if count > 1 else ""))
    overhead_ms = 1000 * whole_batches.interpreter_s / whole_batches.windows
    return [*figures, Figure(f"interpreter time a window at batch {BATCH_WINDOWS}", overhead_ms, "ms", "≤ 1.5")]


def _write_audio(path: Path, seconds: float) -> None:
    minute = sound(60.0)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, "PCM_16") as file:
        for _ in range(round(seconds / 60)):
            file.write(minute)


def _run(folder: Path, audio: Path, count: int, **options: Any) -> Measured:
    gate = folder / "gate"
    with _prepared(folder, audio, gate, options) as (running, job_id):
        for number in range(1, count + 1):
            running.start(f"device-{number}", "bench.gated_device")
        running.wait_for_workers(transcribe=count, cpu=1)
        processes = [psutil.Process(process.pid) for name, process in running.processes.items() if "device" in name]
        spent, began = _cpu_s(processes), time.monotonic()
        gate.touch()
        running.wait(job_id, TIMEOUT_S)
        seconds = time.monotonic() - began
        spent = _cpu_s(processes) - spent
        job = running.job(job_id)
        if job.error is not None:
            raise RuntimeError(f"the job failed: {job.error}")
        return Measured(seconds, job.windows_done, spent)


@contextmanager
def _prepared(folder: Path, audio: Path, gate: Path, options: dict[str, Any]) -> Iterator[tuple[Service, str]]:
    """A service without transcribe workers whose one job is decoded and cut."""
    redis = redis_server.start(folder / "redis")
    settings = Settings(redis_url=redis.url, data_dir=folder / "data", model=FakeModel().spec.model)
    chosen: dict[str, Any] = {"batch_windows": BATCH_WINDOWS, "prepare_ahead_windows": 100_000, **options}
    environment = {GATE: str(gate)}
    try:
        with service(
            settings, folder / "logs", transcribers=0, preparers=1, environment=environment, log_level="info", **chosen
        ) as running:
            FakeModel().save_tokenizer(running.store)
            running.ledger.announce(FakeModel().spec)
            job_id = running.submit(audio, **WINDOW)
            eventually(lambda: _is_cut(running, job_id), TIMEOUT_S, every_s=0.1)
            yield running, job_id
    finally:
        redis.stop()


def _is_cut(running: Service, job_id: str) -> bool:
    """Whether all windows are registered; the record doesn't say so while no worker serves the model."""
    job = running.job(job_id)
    if job.state.is_terminal:
        raise RuntimeError(f"the job failed: {job.error}")
    return "prepare.done" in running.processes["prepare"].log


def _cpu_s(processes: list[psutil.Process]) -> float:
    return sum(float(times.user + times.system) for times in (process.cpu_times() for process in processes))
