"""Redis goes away and comes back: the living aren't taken for dead, and what it forgot is done again."""

import pytest
from redis import Redis

from jobs.job import State
from jobs.ledger import Ledger, Refused, keys
from jobs.settings import Settings
from tests.support import ledger as given


def restart(redis: Redis) -> None:
    """What a restart is to the ledger: another run of Redis, data and all."""
    redis.hset(keys.key("rounds"), "run", "the run before")


def pass_by(redis: Redis, seconds: float) -> None:
    """Nobody has come round for so long."""
    redis.hincrbyfloat(keys.key("rounds"), "last", -seconds)


def test_after_an_outage_the_living_have_time_to_show_it(ledger: Ledger, redis: Redis, settings: Settings) -> None:
    given.prepared_job(ledger, 1)
    leases = given.claim(ledger)
    ledger.reap()
    given.lapse(redis, "gpu")  # nobody could renew
    pass_by(redis, settings.lease_s)
    assert ledger.reap() == 0
    ledger.beat(given.worker("gpu"))
    redis.hset(keys.key("rounds"), "from", 0)  # the time is over
    ledger.reap()
    assert ledger.commit("gpu", given.results(leases)).accepted == 1


def test_after_an_outage_the_dead_are_reaped_once_the_time_is_over(
    ledger: Ledger, redis: Redis, settings: Settings
) -> None:
    given.prepared_job(ledger, 1)
    given.claim(ledger)
    ledger.reap()
    given.lapse(redis, "gpu")
    pass_by(redis, settings.lease_s)
    assert ledger.reap() == 0
    redis.hset(keys.key("rounds"), "from", 0)
    assert ledger.reap() >= 1
    assert len(given.claim(ledger)) == 1


def test_rounds_that_are_always_far_apart_reap_as_well(ledger: Ledger, redis: Redis, settings: Settings) -> None:
    given.prepared_job(ledger, 1)
    given.claim(ledger)
    given.lapse(redis, "gpu")
    ledger.reap()
    given.claim(ledger, "gpu2")
    given.lapse(redis, "gpu2")
    found = []
    for _ in range(2):
        pass_by(redis, settings.lease_s)
        found.append(ledger.reap())
        redis.hset(keys.key("rounds"), "from", 0)
    assert found == [0, 1]


def test_after_a_restart_everything_held_comes_back_without_blame(ledger: Ledger, redis: Redis) -> None:
    """A commit of the lost second: its worker goes on to other things and would hold the window for ever."""
    job_id = given.prepared_job(ledger, 3)
    ledger.beat(given.worker("gpu"))
    leases = given.claim(ledger)
    ledger.start("gpu", leases)
    ledger.reap()
    restart(redis)
    assert ledger.reap() == 0
    assert [worker.incarnation for worker in ledger.workers()] == ["gpu"]
    assert ledger.commit("gpu", given.results(leases)).fenced == 3
    again = given.claim(ledger)
    assert len(again) == 3
    assert not any(lease.suspect for lease in again)
    assert min(lease.fence for lease in again) > max(lease.fence for lease in leases) + 100_000
    ledger.commit("gpu", given.results(again))
    assert given.finish(ledger) == job_id


@pytest.mark.parametrize("kind", ["prepare", "finish"])
def test_after_a_restart_cpu_units_come_back_too(ledger: Ledger, redis: Redis, kind: str) -> None:
    if kind == "prepare":
        ledger.announce(given.spec())
        ledger.create(given.request())
    else:
        given.prepared_job(ledger)
        ledger.commit("gpu", given.results(given.claim(ledger)))
    take = {"prepare": given.claim_prepare, "finish": given.claim_finish}[kind]
    ledger.start("cpu", take(ledger))
    ledger.reap()
    restart(redis)
    ledger.reap()
    assert take(ledger, "another").fence > 100_000


def test_windows_that_redis_forgot_are_registered_again(ledger: Ledger, redis: Redis) -> None:
    """prepare goes on behind the windows of the lost second; refused, it begins where the record ends."""
    ledger.announce(given.spec())
    ledger.create(given.request())
    unit = given.claim_prepare(ledger)
    windows = given.windows(4)
    ledger.register(unit, windows[:1], decoded_s=10.0, duration_s=None)
    with pytest.raises(Refused):
        ledger.register(unit, windows[2:], decoded_s=40.0, duration_s=None)
    again = given.claim_prepare(ledger, "another")
    assert again.registered == 1
    ledger.register(again, windows[1:], decoded_s=40.0, duration_s=None)
    ledger.prepared(again, total_samples=4 * given.KEPT, warnings=[])
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert ledger.job(given.finish(ledger)).state is State.SUCCEEDED


def test_a_claim_is_answered_again_however_long_redis_was_away(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 4)
    key = given.spec().key
    first = ledger.claim_windows("gpu", "one", key, max_windows=1, max_samples=1)
    assert redis.ttl(keys.key("answers", incarnation="gpu")) == -1
    assert ledger.claim_windows("gpu", "one", key, max_windows=1, max_samples=1) == first


def test_answers_are_few_and_go_with_their_worker(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 80)
    for _ in range(80):
        given.claim(ledger, max_windows=1)
    assert redis.hlen(keys.key("answers", incarnation="gpu")) == 64
    assert redis.llen(keys.key("answered", incarnation="gpu")) == 64
    ledger.leave("gpu")
    assert not redis.exists(keys.key("answers", incarnation="gpu"), keys.key("answered", incarnation="gpu"))
