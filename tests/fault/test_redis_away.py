"""Fault 5, and 16 of Redis: it is killed and started again, stalls, or is full. Workers wait and come back."""

import time
from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.fault.own_redis import OwnRedis
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


@pytest.fixture
def settings(own_redis: OwnRedis, tmp_path: Path) -> Settings:
    return Settings(redis_url=own_redis.url, data_dir=tmp_path / "data")


def test_it_is_killed_and_started_again(settings: Settings, own_redis: OwnRedis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.03"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(120.0)))
        own_redis.kill()
        eventually(lambda: running.logs().count("chore.away") >= 2)  # both workers have noticed
        own_redis.start()
        outcome.recovers()
        outcome.check()
        assert "ledger.redis_restarted" in running.logs()
        outcome.submit(wav(20.0, seed=1))
        outcome.check()
        running.check_alive()


@pytest.mark.full
def test_it_stalls_for_45_seconds(settings: Settings, own_redis: OwnRedis, calm: Calm, tmp_path: Path) -> None:
    """With default settings: longer than all timeouts and leases. The living aren't taken for dead."""
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.05"}) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(400.0)))
        own_redis.program.suspend()
        stalled_at = time.monotonic()
        eventually(lambda: time.monotonic() - stalled_at > 45, 60)
        own_redis.program.resume()
        outcome.recovers()
        counters = outcome.check()
        assert "chore.away" in running.logs()
        assert counters["lapsed"] == counters["redone"] == 0
        running.check_alive()


def test_it_is_full(settings: Settings, own_redis: OwnRedis, calm: Calm, tmp_path: Path) -> None:
    with (
        service(settings, tmp_path / "logs", web=True, environment={SLEEP: "0.02"}, **BRISK) as running,
        own_redis.client() as redis,
    ):
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(100.0)))
        redis.config_set("maxmemory", 1)
        refused = httpx.post(f"{running.url}/v1/jobs", content=wav(20.0, seed=1), timeout=30)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/ledger-unavailable")
        assert "Retry-After" in refused.headers
        eventually(lambda: "wait.began" in running.processes["transcribe-1"].log)
        redis.config_set("maxmemory", 0)
        outcome.recovers()
        for job in running.ledger.jobs("local")[0]:  # an answer of 503 may come after the job was entered
            outcome.jobs.setdefault(job.id, wav(20.0, seed=1))
        outcome.check()
        running.check_alive()
