"""Fault 18: many short jobs behind a long one. None waits for it, and it ends as well."""

import io
from pathlib import Path

import pytest
import soundfile

from jobs.job import State
from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import RATE_HZ, sound, wav

MINUTE_S = 60


def hours(count: float) -> bytes:
    """The same ten minutes again and again, in few bytes: WAV of 8 bits."""
    piece = sound(10.0 * MINUTE_S)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", RATE_HZ, 1, "PCM_U8", format="WAV") as writer:
        for _ in range(round(6 * count)):
            writer.write(piece)
    return file.getvalue()


def check_short_ones_pass(running: Service, calm: Calm, long: bytes, count: int) -> None:
    outcome = Outcome(running, calm)
    long_id = running.submit_bytes(long)
    running.covered(long_id)
    for number in range(count):
        outcome.submit(wav(12.0, seed=number))
    for job_id in list(outcome.jobs):
        assert running.wait(job_id).state is State.SUCCEEDED
    job = running.job(long_id)
    assert not job.state.is_terminal, job
    outcome.add(long_id, long)
    counters = outcome.check(timeout_s=600)
    assert counters["lapsed"] == counters["fenced"] == counters["redone"] == 0


@pytest.mark.full
def test_twelve_behind_twenty_minutes(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.006"}) as running:
        check_short_ones_pass(running, calm, hours(1 / 3), 12)


@pytest.mark.full
@pytest.mark.timeout(1200)
def test_two_hundred_behind_ten_hours(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.002"}) as running:
        check_short_ones_pass(running, calm, hours(10), 200)
