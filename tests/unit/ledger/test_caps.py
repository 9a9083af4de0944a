"""Caps on the audio of one owner: what may wait, and what may be in progress."""

import pytest
from redis import Redis

from jobs.errors import TooMuchQueued
from jobs.job import State
from jobs.ledger import Caps, Ledger, PrepareUnit
from tests.support import ledger as given
from tests.support.ledger_invariants import Contents, check


def create(ledger: Ledger, job_id: str, caps: Caps | None = None, *, seconds: float = 10.0, **changes: object) -> bool:
    ledger.announce(given.spec())
    return ledger.create(given.request(job_id, size_bytes=round(32_000 * seconds), **changes), caps=caps).is_new


def prepares(ledger: Ledger) -> list[PrepareUnit]:
    """Everything that can be begun."""
    units = []
    while unit := ledger.claim_prepare("cpu", given.claim_id()):
        units.append(unit)
    return units


def begun(ledger: Ledger) -> list[str]:
    return [unit.job_id for unit in prepares(ledger)]


def test_no_more_waits_than_may(ledger: Ledger) -> None:
    caps = Caps(queued_s=25.0)
    create(ledger, "a", caps)
    create(ledger, "b", caps)
    with pytest.raises(TooMuchQueued, match=r"0\.01 hours of your audio wait"):
        create(ledger, "c", caps)
    assert ledger.known(["c"]) == set()
    create(ledger, "c", caps, seconds=5.0)
    create(ledger, "other", caps, owner="another")
    assert given.claim_prepare(ledger).job_id == "c"  # begun, so it doesn't wait any more
    create(ledger, "d", caps, seconds=5.0)
    ledger.cancel("b")
    create(ledger, "e", caps)


def test_a_long_job_may_wait_alone(ledger: Ledger) -> None:
    caps = Caps(queued_s=5.0)
    assert create(ledger, "long", caps)
    assert not create(ledger, "long", caps)  # repeated: it is known
    with pytest.raises(TooMuchQueued):
        create(ledger, "next", caps)


def test_shared_work_counts_once(ledger: Ledger) -> None:
    caps = Caps(queued_s=15.0)
    for job_id in ("a", "b", "c"):
        assert create(ledger, job_id, caps, sha256="7" * 64)
    with pytest.raises(TooMuchQueued):
        create(ledger, "d", caps)


def test_the_settings_hold_where_no_caps_are_given(ledger: Ledger, redis: Redis) -> None:
    limited = Ledger(redis, ledger._settings.model_copy(update={"owner_queued_s": 15.0, "owner_running_s": 15.0}))
    create(limited, "a")
    with pytest.raises(TooMuchQueued):
        create(limited, "b")
    limited.check_caps("local")
    with pytest.raises(TooMuchQueued):
        limited.check_caps("local", Caps(queued_s=10.0))
    assert begun(limited) == ["a"]
    create(limited, "b")
    assert begun(limited) == []


def test_an_owner_over_the_cap_waits_and_others_pass(ledger: Ledger, redis: Redis) -> None:
    caps = Caps(running_s=25.0)
    for job_id in ("a", "b", "c", "d"):
        create(ledger, job_id, caps)
    assert begun(ledger) == ["a", "b"]
    create(ledger, "other", caps, owner="another")
    assert begun(ledger) == ["other"]
    assert ledger.job("c").state is State.QUEUED
    assert ledger.demand().claimable_cpu_units == 0
    ledger.cancel("a")
    assert begun(ledger) == ["c"]
    ledger.delete("b")
    assert begun(ledger) == ["d"]
    check(Contents(redis), ["a", "b", "c", "d", "other"])


def test_one_always_runs(ledger: Ledger) -> None:
    caps = Caps(running_s=1.0)
    for job_id in ("a", "b", "c"):
        create(ledger, job_id, caps)
    for job_id in ("a", "b", "c"):
        assert begun(ledger) == [job_id]
        ledger.cancel(job_id)


def test_what_was_decoded_counts_by_its_true_length(ledger: Ledger) -> None:
    caps = Caps(running_s=50.0)
    for job_id in ("a", "b", "c"):
        create(ledger, job_id, caps, seconds=20.0)
    first, second = prepares(ledger)
    given.prepare(ledger, first, 1)  # ten seconds
    assert begun(ledger) == []  # nobody has looked
    given.prepare(ledger, second, 1)
    ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    given.finish(ledger)
    assert begun(ledger) == ["c"]


def test_held_back_jobs_end_as_any_other(ledger: Ledger, redis: Redis) -> None:
    caps = Caps(running_s=1.0)
    for job_id in ("a", "b", "c", "d"):
        create(ledger, job_id, caps)
    assert begun(ledger) == ["a"]
    ledger.cancel("b")
    ledger.delete("c")
    ledger.announce(given.spec(revision="r2"))  # "d" moves to the model that is served now
    check(Contents(redis), ["a", "b", "c", "d"])
    assert begun(ledger) == []
    ledger.cancel("a")
    assert begun(ledger) == ["d"]
    ledger.cancel("d")
    assert not redis.keys("tingxie:owner:*:load")
    assert not redis.keys("tingxie:owner:*:held_back")


def test_a_promoted_follower_counts(ledger: Ledger) -> None:
    caps = Caps(running_s=15.0)
    create(ledger, "a", caps, sha256="7" * 64)
    create(ledger, "b", caps, sha256="7" * 64)
    assert begun(ledger) == ["a"]
    create(ledger, "c", caps)
    ledger.cancel("a")
    assert begun(ledger) == ["b"]
    assert begun(ledger) == []
    ledger.cancel("b")
    assert begun(ledger) == ["c"]


def test_a_follower_of_what_has_succeeded_waits_for_nobody(ledger: Ledger) -> None:
    caps = Caps(running_s=5.0)
    create(ledger, "a", caps, sha256="7" * 64)
    [unit] = prepares(ledger)
    given.prepare(ledger, unit, 1)
    ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    given.finish(ledger)
    create(ledger, "long", caps)
    assert begun(ledger) == ["long"]
    create(ledger, "again", caps, sha256="7" * 64)
    assert given.finish(ledger) == "again"
    assert ledger.job("again").state is State.SUCCEEDED
