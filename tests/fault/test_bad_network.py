"""Fault 8: between everything and Redis, connections are reset, data is delayed, and nothing gets through at all."""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.proxy import Proxy
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer

#: in which a client is told that Redis is away, also where packets vanish
ANSWERED_S = 6.0
#: resets of all connections, one after the other
STORM = 100
#: in which a short job ends after that
STORM_ENDS_S = 30.0


@pytest.fixture
def proxy(redis_server: RedisServer, redis: Redis) -> Iterator[Proxy]:
    proxy = Proxy(redis_server.port)
    yield proxy
    proxy.close()


def hold(seconds: float) -> None:
    """For so long, whatever the fault is goes on."""
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > seconds, seconds + 10)


@pytest.mark.full
def test_resets_delays_and_a_blackhole(settings: Settings, proxy: Proxy, calm: Calm, tmp_path: Path) -> None:
    through = {SLEEP: "0.02", "TINGXIE_REDIS_URL": proxy.url}
    with service(settings, tmp_path / "logs", transcribers=2, environment=through, **BRISK) as running:
        outcome = Outcome(running, calm)
        job_id = outcome.submit(wav(240.0))
        for covered_s in (0.0, 20.0, 40.0):
            running.covered(job_id, covered_s)
            proxy.reset()
        proxy.delay(0.1)
        running.covered(job_id, running.job(job_id).covered_s + 20.0)
        proxy.blackhole()
        hold(BRISK["lease_s"] + 1.0)
        proxy.heal()
        outcome.recovers()
        outcome.check()
        assert proxy.resets > 10
        assert proxy.held > 10
        running.check_alive()


@pytest.mark.full
def test_a_minute_of_all_that_with_default_settings(
    settings: Settings, proxy: Proxy, calm: Calm, tmp_path: Path
) -> None:
    through = {SLEEP: "0.05", "TINGXIE_REDIS_URL": proxy.url}
    with service(settings, tmp_path / "logs", transcribers=2, environment=through) as running:
        outcome = Outcome(running, calm)
        for seed in range(4):
            outcome.submit(wav(200.0, seed))
        for blackhole_s in (1.0, 6.0, 15.0):
            for _ in range(5):
                proxy.reset()
                hold(0.7)
            proxy.delay(0.3)
            hold(3.0)
            proxy.blackhole()
            hold(blackhole_s)
            proxy.heal()
        outcome.check()
        running.check_alive()


def test_resets_while_hints_come(settings: Settings, proxy: Proxy, calm: Calm, tmp_path: Path) -> None:
    """Each step of taking a hint is cut off at some time; none may cost the worker its readiness for the next."""
    through = {"TINGXIE_REDIS_URL": proxy.url}
    with service(settings, tmp_path / "logs", environment=through, **BRISK) as running:
        outcome = Outcome(running, calm)
        chance = random.Random(8)
        for _ in range(STORM):
            running.submissions.hinter.cpu(8)
            hold(chance.uniform(0.0, 0.1))
            proxy.reset()
        outcome.submit(wav(20.0))
        outcome.check(timeout_s=STORM_ENDS_S)
        running.check_alive()


def test_requests_are_answered_503_within_seconds(
    settings: Settings, redis: Redis, proxy: Proxy, calm: Calm, tmp_path: Path
) -> None:
    through = {"TINGXIE_REDIS_URL": proxy.url}
    with service(settings, tmp_path / "logs", web=True, environment=through, **BRISK) as running:
        outcome = Outcome(running, calm)
        job_id = outcome.submit(wav(20.0))
        with httpx.Client(base_url=running.url, timeout=60.0) as client:
            assert client.get(f"/v1/jobs/{job_id}").is_success
            proxy.blackhole()
            for answer in (
                client.get(f"/v1/jobs/{job_id}?wait=30"),
                client.post("/v1/jobs", content=wav(20.0, seed=1)),
            ):
                assert answer.status_code == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.json()["type"] == "/problems/ledger-unavailable"
                assert answer.elapsed.total_seconds() < ANSWERED_S
            proxy.heal()
            eventually(lambda: client.get(f"/v1/jobs/{job_id}").is_success)
            again = client.post("/v1/jobs", content=wav(20.0, seed=1))
            assert again.status_code == 202
        outcome.add(again.json()["id"], wav(20.0, seed=1))
        outcome.check()
