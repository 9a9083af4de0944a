"""Fault 16, of a store elsewhere: it is slow, overloaded, cut off, away. Jobs take longer, and none fails."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.faulty_s3 import DENIED, FULL, SLOW_DOWN, FaultyS3, Said
from tests.support.s3 import at_endpoint, s3_service
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


@pytest.fixture
def bucket() -> Iterator[FaultyS3]:
    with FaultyS3(s3_service().endpoint) as faulty, at_endpoint(faulty.endpoint):
        yield faulty


@pytest.fixture
def settings(settings: Settings, bucket: FaultyS3) -> Settings:
    return settings.model_copy(update={"store_url": s3_service().url()})


@pytest.mark.full
def test_it_is_slow_and_overloaded(settings: Settings, calm: Calm, bucket: FaultyS3, tmp_path: Path) -> None:
    """Each window takes so long that all of them take longer than a prepare unit may; every fifth request fails."""
    options = {"store_url": settings.store_url, "prepare_timeout_s": 8.0, **BRISK}
    with service(settings, tmp_path / "logs", **options) as running:
        outcome = Outcome(running, calm)
        numbers = itertools.count()

        def answering(_method: str, _path: str, _length: int) -> Said | None:
            return SLOW_DOWN if next(numbers) % 5 == 4 else None

        job_id = outcome.submit(wav(300.0))
        bucket.answering, bucket.cuts = answering, 5
        bucket.before = lambda: time.sleep(0.6)
        counters = outcome.check()
        assert counters["lapsed"] == 0
        assert bucket.cuts == 0
        assert next(numbers) > 50
        assert running.job(job_id).error is None
        running.check_alive()


@pytest.mark.full
@pytest.mark.parametrize("said", [SLOW_DOWN, FULL, DENIED], ids=["overloaded", "full", "closed"])
def test_it_is_away_for_longer_than_any_request_is_repeated(
    said: Said, settings: Settings, calm: Calm, bucket: FaultyS3, tmp_path: Path
) -> None:
    options = {"store_url": settings.store_url, **BRISK}
    with service(settings, tmp_path / "logs", web=True, environment={SLEEP: "0.02"}, **options) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(300.0)))
        children = running.processes["prepare"].children()
        for child in children:
            child.suspend()
        waiting = outcome.submit(wav(60.0, seed=1))
        bucket.always(said)
        for child in children:
            child.resume()
        refused = httpx.post(f"{running.url}/v1/jobs", content=wav(20.0, seed=2), timeout=60)
        assert (refused.status_code, "Retry-After" in refused.headers) == (503, True), refused.text
        eventually(lambda: running.processes["prepare"].log.count("unit.given_back") >= 2, 90)
        eventually(lambda: running.processes["transcribe-1"].log.count("store.away") >= 2, 90)
        assert not running.job(waiting).state.is_terminal
        bucket.heal()
        counters = outcome.check()
        assert counters["lapsed"] == 0
        running.check_alive()


@pytest.mark.full
def test_nothing_gets_through_for_a_while(settings: Settings, calm: Calm, bucket: FaultyS3, tmp_path: Path) -> None:
    """Requests hang instead of failing: a worker goes on living, and its leases too."""
    options = {"store_url": settings.store_url, **BRISK}
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.02"}, **options) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(300.0)))
        until = time.monotonic() + 12.0
        bucket.before = lambda: time.sleep(max(0.0, until - time.monotonic()))
        counters = outcome.check()
        assert time.monotonic() > until
        assert counters["lapsed"] == 0
        running.check_alive()
