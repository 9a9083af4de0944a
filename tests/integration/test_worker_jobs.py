"""Jobs through real workers, without HTTP and without torch (tests/support/fake_model.py)."""

import json
import signal
from pathlib import Path

import pytest
from redis import Redis

from jobs.job import State
from jobs.ledger import keys
from jobs.settings import Settings
from jobs.store import layout
from tests.support.fake_model import SLEEP
from tests.support.service import service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


def test_jobs_succeed_and_the_sweep_leaves_what_users_want(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", sweep_s=0.5) as running:
        job_id = running.submit_bytes(wav(65.0))
        job = running.wait(job_id)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == job.duration_s == 65.0
        transcript = running.transcript(job_id)
        [worker] = running.workers("transcribe")
        assert 10_000_000 < worker.memory.used <= worker.memory.peak < worker.memory.total
        assert len(transcript.text) > 100
        assert len(set(transcript.text)) >= 8
        eventually(lambda: not list(running.store.list(layout.windows(job_id))), 20)
        kept = {each.name for each in running.store.list(layout.job_folder(job_id))}
        wanted = {layout.job_record, layout.audio, layout.waveform, layout.transcript}
        assert kept == {name(job_id) for name in wanted}


def test_sigterm_ends_the_batch_and_hands_back_the_rest(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    slow = {SLEEP: "0.05"}  # a second for a window of 20 s
    with service(settings, tmp_path / "logs", environment=slow) as running:
        job_id = running.submit_bytes(wav(200.0))
        running.covered(job_id)
        worker = running.kill("transcribe-1", signal.SIGTERM)
        assert worker.wait(30) == 0, worker.log
        assert running.workers("transcribe") == []
        assert not redis.keys(keys.key("held", incarnation="transcribe-*"))
        assert running.job(job_id).covered_s < 200.0
        running.start("transcribe-2", "tests.support.fake_model", **{SLEEP: "0"})
        assert running.wait(job_id).state is State.SUCCEEDED
        counters = running.ledger.counters()
        assert counters["lapsed"] == counters["fenced"] == counters["redone"] == 0


@pytest.mark.full
def test_sigterm_to_prepare_hands_its_unit_back(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", preparers=0, transcribers=1) as running:
        running.start("prepare", "tests.fault.fixtures.slow_prepare")
        job_id = running.submit_bytes(wav(300.0))
        running.covered(job_id)
        worker = running.kill("prepare", signal.SIGTERM)
        assert worker.wait(30) == 0, worker.log
        running.start("prepare-2", "tingxie", "worker", "prepare")
        assert running.wait(job_id).state is State.SUCCEEDED
        assert running.ledger.counters()["lapsed"] == 0


@pytest.mark.full
def test_log_lines_as_json_name_worker_and_job(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", log_format="json") as running:
        job_id = running.submit_bytes(wav(5.0))
        running.wait(job_id)
        log = running.processes["prepare"].log.splitlines()
        lines = [json.loads(line) for line in log if line.startswith("{")]
        done = next(line for line in lines if line["event"] == "prepare.done")
        assert done["job_id"] == job_id
        assert done["worker"].startswith("cpu-")


@pytest.mark.full
def test_a_second_sigterm_ends_a_worker_at_once(settings: Settings, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "100"}) as running:
        running.submit_bytes(wav(5.0))
        eventually(lambda: any(worker.idle_slots < 3 for worker in running.workers("transcribe")))
        worker = running.kill("transcribe-1", signal.SIGTERM)
        eventually(lambda: "Warm shutdown" in worker.log)
        worker.kill(signal.SIGTERM)
        assert worker.wait(10) == 128 + signal.SIGTERM
