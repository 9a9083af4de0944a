"""Workers that die, hang, raise or run out of memory: their jobs end all the same, and each ends right."""

import io
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from redis import Redis

from jobs.job import State
from jobs.ledger import keys
from jobs.settings import Settings
from jobs.store import layout
from tests.fault.hung_forward import MARK
from tests.fault.poison import poisoned
from tests.integration.test_worker_jobs import BRISK, covered
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import RATE_HZ, sound, wav
from tests.support.waiting import eventually


def wav_of(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()


def held_by(redis: Redis, incarnation: str) -> int:
    return int(redis.scard(keys.key("held", incarnation=incarnation)))


def incarnation_of(running: Service, name: str) -> str:
    pid = running.processes[name].pid
    return next(worker.incarnation for worker in running.workers() if worker.pid == pid)


def kill_in_mid_batch(running: Service, redis: Redis) -> None:
    """SIGKILL a transcriber that holds windows: within 20 s they are claimable again, and only they are redone."""
    audio = wav(400.0)
    job_id = running.submit_bytes(audio)
    eventually(lambda: covered(running, job_id) > 20)
    victim = incarnation_of(running, "transcribe-1")

    def frozen_with_windows() -> int:
        running.kill("transcribe-1", signal.SIGSTOP)
        if not held_by(redis, victim):
            running.kill("transcribe-1", signal.SIGCONT)
        return held_by(redis, victim)

    in_hand = eventually(frozen_with_windows)
    running.kill("transcribe-1")
    killed_at = time.monotonic()
    eventually(lambda: not held_by(redis, victim), 60)
    assert time.monotonic() - killed_at < 20
    assert running.wait(job_id).state is State.SUCCEEDED
    counters = running.ledger.counters()
    assert counters["lapsed"] == in_hand
    assert 0 < counters["redone"] <= in_hand
    assert counters["committed"] == len(list(running.store.list(layout.windows(job_id))))
    again = running.submit_bytes(audio)
    assert running.wait(again).state is State.SUCCEEDED
    assert running.transcript(again).text == running.transcript(job_id).text


def test_a_killed_transcriber_costs_the_windows_in_hand(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    slow = {SLEEP: "0.03"}
    with service(settings, tmp_path / "logs", transcribers=2, environment=slow, **BRISK) as running:
        kill_in_mid_batch(running, redis)


@pytest.mark.full
def test_with_default_settings_too(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.05"}) as running:
        kill_in_mid_batch(running, redis)


def test_a_killed_prepare_child_is_replaced_and_its_job_goes_on(
    settings: Settings, redis: Redis, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", preparers=0, **BRISK) as running:
        prepare = running.start("prepare", "tests.fault.slow_prepare")
        job_id = running.submit_bytes(wav(200.0))
        eventually(lambda: covered(running, job_id) > 0, 60)
        child = next(worker for worker in running.workers("cpu") if held_by(redis, worker.incarnation))
        next(process for process in prepare.children() if process.pid == child.pid).kill()
        job = running.wait(job_id)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == 200.0
        assert running.ledger.counters()["lapsed"] == 1
        assert prepare.process.poll() is None


def test_a_poison_window_fails_its_job_and_no_other(settings: Settings, tmp_path: Path) -> None:
    module = "tests.fault.killed_in_forward"
    with service(settings, tmp_path / "logs", transcribe=module, max_deaths=2, **BRISK) as running:
        good = running.submit_bytes(wav(60.0, seed=1))
        bad = running.submit_bytes(wav_of(poisoned(sound(60.0, seed=2), at_s=25.0)))
        failed = running.wait(bad, revive=True)
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert failed.error["type"] == "window-crashed"
        assert running.wait(good, revive=True).state is State.SUCCEEDED


def test_an_error_in_the_forward_fails_its_job_and_no_other(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribe="tests.fault.error_in_forward") as running:
        good = running.submit_bytes(wav(60.0, seed=1))
        bad = running.submit_bytes(wav_of(poisoned(sound(60.0, seed=2), at_s=25.0)))
        failed = running.wait(bad)
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert "no logarithm" in failed.error["detail"]
        assert running.wait(good).state is State.SUCCEEDED
        running.check_alive()


@pytest.mark.full
def test_out_of_memory_halves_the_batch(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribe="tests.fault.out_of_memory") as running:
        job_id = running.submit_bytes(wav(400.0))
        assert running.wait(job_id).state is State.SUCCEEDED
        log = running.processes["transcribe-1"].log
        assert 0 < log.count("forward.out_of_memory") < 12  # it remembers


def test_a_hung_forward_ends_its_process_with_a_reason(settings: Settings, tmp_path: Path) -> None:
    environment = {MARK: str(tmp_path / "hung")}
    with service(
        settings,
        tmp_path / "logs",
        transcribe="tests.fault.hung_forward",
        environment=environment,
        forward_timeout_s=1.0,
        **BRISK,
    ) as running:
        job_id = running.submit_bytes(wav(30.0))
        hung = running.processes["transcribe-1"]
        assert hung.wait(60) == 70
        assert "forward.hung" in hung.log
        assert job_id in hung.log
        assert running.wait(job_id, revive=True).state is State.SUCCEEDED


@pytest.mark.full
def test_a_file_that_hangs_prepare_fails_its_job(settings: Settings, tmp_path: Path) -> None:
    limits = {"prepare_timeout_s": 1.0, "max_deaths": 2, **BRISK}
    with service(settings, tmp_path / "logs", preparers=0, **limits) as running:
        prepare = running.start("prepare", "tests.fault.hung_prepare")
        failed = running.wait(running.submit_bytes(wav(30.0)))
        assert failed.state is State.FAILED
        assert failed.error is not None
        assert failed.error["type"] == "prepare-crashed"
        assert prepare.log.count("unit.hung") == 2
        assert prepare.process.poll() is None


@pytest.mark.full
def test_a_second_sigterm_ends_a_worker_at_once(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "100"}) as running:
        running.submit_bytes(wav(5.0))
        eventually(lambda: any(worker.idle_slots < 3 for worker in running.workers("transcribe")))
        worker = running.kill("transcribe-1", signal.SIGTERM)
        eventually(lambda: "Warm shutdown" in worker.log)
        worker.kill(signal.SIGTERM)
        assert worker.wait(10) == 128 + signal.SIGTERM


@pytest.mark.full
def test_a_frozen_worker_is_fenced_off(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    slow = {SLEEP: "0.05"}
    with service(settings, tmp_path / "logs", transcribers=2, environment=slow, **BRISK) as running:
        job_id = running.submit_bytes(wav(400.0))
        eventually(lambda: covered(running, job_id) > 20)
        victim = incarnation_of(running, "transcribe-1")
        eventually(lambda: held_by(redis, victim))
        running.kill("transcribe-1", signal.SIGSTOP)
        eventually(lambda: not held_by(redis, victim), 30)
        running.kill("transcribe-1", signal.SIGCONT)
        assert running.wait(job_id).state is State.SUCCEEDED
        eventually(lambda: incarnation_of(running, "transcribe-1") == victim)  # it goes on as before
        assert running.ledger.counters()["committed"] == len(list(running.store.list(layout.windows(job_id))))
