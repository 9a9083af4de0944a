"""Fault 13: SIGTERM to all workers in turn, under load. Nothing that is done is done again."""

import re
import signal
import time
from pathlib import Path

import pytest

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import FAKE_MODEL, Process, Service, service
from tests.support.speechlike import wav

#: beyond its batch, a worker that drains needs no longer: 2 s for the parent of prepare, whose pool ends by seconds
END_S = 4.0


def longest_batch_s(worker: Process) -> float:
    return max(map(float, re.findall(r"compute_s=([\d.]+)", worker.log)), default=0.0)


def restart(running: Service, name: str, *command: str) -> None:
    """SIGTERM, and a successor once it has ended."""
    worker = running.kill(name, signal.SIGTERM)
    asked_at = time.monotonic()
    assert worker.wait(30) == 0, worker.log
    assert time.monotonic() - asked_at < longest_batch_s(worker) + END_S
    running.start(f"{name}-next", *command)
    running.wait_for_workers(transcribe=2, cpu=1)


@pytest.mark.full
def test_a_rolling_restart_redoes_nothing(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.02"}) as running:
        outcome = Outcome(running, calm)
        long = outcome.submit(wav(700.0))
        running.covered(long)
        for name in ("transcribe-1", "transcribe-2"):
            restart(running, name, FAKE_MODEL)
        restart(running, "prepare", "tingxie", "worker", "prepare")
        assert not running.job(long).state.is_terminal  # else it was no restart under load
        counters = outcome.check()
        assert counters["lapsed"] == counters["fenced"] == counters["redone"] == counters["suspects"] == 0
