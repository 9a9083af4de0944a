"""Fault 19: all of Redis's data is deleted in mid-job; its last second is rolled back."""

import shutil
import time
from pathlib import Path

import pytest

from jobs.job import State
from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.fault.own_redis import OwnRedis
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.shell import tingxie
from tests.support.speechlike import wav
from tests.support.waiting import eventually


@pytest.fixture
def settings(own_redis: OwnRedis, tmp_path: Path) -> Settings:
    return Settings(redis_url=own_redis.url, data_dir=tmp_path / "data")


def test_all_data_is_deleted(settings: Settings, own_redis: OwnRedis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.02"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        done = outcome.submit(wav(20.0))
        assert running.wait(done).state is State.SUCCEEDED
        running.covered(outcome.submit(wav(120.0, seed=1)))
        with own_redis.client() as redis:
            redis.flushdb()
        where = {"TINGXIE_REDIS_URL": own_redis.url, "TINGXIE_DATA_DIR": str(settings.data_dir)}
        first = tingxie("recover", "--json", **where)
        assert (first.returncode, first.stdout) == (
            0,
            '{"restored": 1, "entered": 1, "known": 0, "skipped": 0, "batches": 0}\n',
        )
        outcome.recovers()
        again = tingxie("recover", **where)
        assert again.stdout == "0 restored, 0 entered, 2 known, 0 skipped, 0 batches\n"
        outcome.check(restored=[done])
        assert running.job(done).duration_s == 20.0
        running.check_alive()


@pytest.mark.full
def test_its_last_second_is_rolled_back(settings: Settings, own_redis: OwnRedis, calm: Calm, tmp_path: Path) -> None:
    """As after a loss of power: commits that workers were told of are gone, and so is an accepted job."""
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.02"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        job_id = outcome.submit(wav(200.0))
        running.covered(job_id, 20.0)
        earlier = tmp_path / "earlier"
        copied = running.job(job_id).covered_s
        (shutil.copytree if own_redis.append_only_file.is_dir() else shutil.copy2)(own_redis.append_only_file, earlier)
        copied_at = time.monotonic()
        outcome.submit(wav(20.0, seed=1))
        running.covered(job_id, copied)
        eventually(lambda: time.monotonic() - copied_at > 1.0)
        before = running.ledger.counters()["committed"]
        own_redis.kill()
        own_redis.restart_with(earlier)
        assert running.ledger.counters()["committed"] < before  # it is forgotten indeed
        recovered = tingxie("recover", TINGXIE_REDIS_URL=own_redis.url, TINGXIE_DATA_DIR=str(settings.data_dir))
        assert recovered.stdout.startswith("0 restored, 1 entered, 1 known")
        outcome.check()
        running.check_alive()
