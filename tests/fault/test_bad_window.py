"""Faults 10 to 12: a window that ends its process, raises, hangs, or doesn't fit into memory."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.settings import Settings
from tests.fault.fixtures.hung_forward import MARK
from tests.fault.fixtures.poison import poisoned
from tests.fault.outcome import Calm, Outcome
from tests.support.service import BRISK, service
from tests.support.speechlike import RATE_HZ, sound, wav

FIXTURES = "tests.fault.fixtures"


def wav_of(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.mark.parametrize(
    "module", ["segfault_in_forward", pytest.param("exit_in_forward", marks=pytest.mark.full), "error_in_forward"]
)
def test_a_poison_window_fails_its_job_and_not_its_neighbours(
    module: str, settings: Settings, calm: Calm, tmp_path: Path
) -> None:
    options = {"max_deaths": 2, **BRISK}
    with service(settings, tmp_path / "logs", preparers=0, transcribe=f"{FIXTURES}.{module}", **options) as running:
        outcome = Outcome(running, calm)
        outcome.submit(wav(60.0, seed=1))
        bad = outcome.submit(wav_of(poisoned(sound(60.0, seed=2), at_s=25.0)))
        running.start("prepare", "tingxie", "worker", "prepare")  # now, so that both come into one batch
        outcome.check("suspects", failed={bad: "window-crashed"}, revive=True)
        detail = (running.job(bad).error or {})["detail"]
        if module == "error_in_forward":
            assert "no logarithm" in detail
            running.check_alive()


def test_a_hung_forward_ends_its_process_with_a_reason(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(
        settings,
        tmp_path / "logs",
        transcribe=f"{FIXTURES}.hung_forward",
        environment={MARK: str(tmp_path / "hung")},
        forward_timeout_s=1.0,
        **BRISK,
    ) as running:
        outcome = Outcome(running, calm)
        job_id = outcome.submit(wav(30.0))
        hung = running.processes["transcribe-1"]
        assert hung.wait(60) == 70
        assert "forward.hung" in hung.log
        assert job_id in hung.log
        outcome.check("lapsed", "redone", "suspects", revive=True)


@pytest.mark.full
def test_a_file_that_hangs_prepare_fails_its_job(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    limits = {"prepare_timeout_s": 1.0, "max_deaths": 2, **BRISK}
    with service(settings, tmp_path / "logs", preparers=0, **limits) as running:
        prepare = running.start("prepare", f"{FIXTURES}.hung_prepare")
        outcome = Outcome(running, calm)
        bad = outcome.submit(wav(30.0))
        assert outcome.check("lapsed", failed={bad: "prepare-crashed"})["lapsed"] == 2
        assert prepare.log.count("unit.hung") == 2
        assert prepare.process.poll() is None


def test_out_of_memory_halves_the_batch_and_is_remembered(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribe=f"{FIXTURES}.out_of_memory") as running:
        outcome = Outcome(running, calm)
        outcome.submit(wav(400.0))
        counters = outcome.check()
        assert counters["lapsed"] == counters["suspects"] == 0
        assert 0 < running.processes["transcribe-1"].log.count("forward.out_of_memory") < 12
