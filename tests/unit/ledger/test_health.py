"""What an operator is told of Redis, and of the longest wait."""

from collections.abc import Iterator

import pytest
from redis import Redis

from jobs.errors import LedgerUnavailable
from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.support.ledger import request


@pytest.fixture
def eviction(redis: Redis) -> Iterator[None]:
    redis.config_set("maxmemory-policy", "allkeys-lru")
    yield
    redis.config_set("maxmemory-policy", "noeviction")


def test_a_redis_of_ours_keeps_everything(ledger: Ledger) -> None:
    health = ledger.redis_health()
    assert health.keeps_everything
    assert health.version[0].isdigit()


@pytest.mark.usefixtures("eviction")
def test_a_redis_that_may_evict_does_not(ledger: Ledger) -> None:
    assert ledger.redis_health().eviction == "allkeys-lru"
    assert not ledger.redis_health().keeps_everything


def test_the_longest_wait_is_that_of_the_oldest_job_which_nobody_began(ledger: Ledger) -> None:
    assert ledger.oldest_wait_s() == 0
    now = ledger.now()
    for age_s in (5.0, 500.0, 50.0):
        ledger.create(request(created_at=now - age_s))
    assert ledger.oldest_wait_s() == pytest.approx(500, abs=5)


def test_a_redis_that_is_away_is_said_so() -> None:
    away = Ledger.connect(Settings(redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(LedgerUnavailable):
        away.redis_health()
    away.close()
