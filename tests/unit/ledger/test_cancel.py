"""Cancel and delete at every state: over at once, nothing more is claimed, what is in hand is dropped, no key stays."""

import json
from collections.abc import Callable

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, JobNotFound, Problem, TingxieError
from jobs.job import State
from jobs.ledger import Caps, Ledger, Refused, WindowLease
from tests.support import ledger as given
from tests.support.ledger_invariants import Contents, check

RAISED = Problem.of(TingxieError("raised"))

#: what a worker that has a unit in hand says of it afterwards
Late = Callable[[], object]
#: brings a job called "job" into a state; returns what its workers will say too late
At = Callable[[Ledger], list[Late]]


def create(ledger: Ledger, job_id: str = "job", **changes: object) -> None:
    ledger.create(given.request(job_id, **changes))


def late_windows(ledger: Ledger, leases: list[WindowLease]) -> list[Late]:
    """All that can be said of windows; none of it raises, none has an effect."""

    def dropped() -> None:
        assert ledger.start("gpu", leases) == [False] * len(leases)
        committed = ledger.commit("gpu", given.results(leases))
        assert (committed.accepted, committed.fenced) == (0, len(leases))
        ledger.hand_back("gpu", leases)
        ledger.window_missing("gpu", leases[0])
        assert not ledger.fail_window("gpu", leases[0], RAISED, alone=True)

    return [dropped]


def late_prepare(ledger: Ledger) -> list[Late]:
    unit = given.claim_prepare(ledger)
    windows = given.windows(3)
    ledger.start("cpu", unit)
    ledger.register(unit, windows[:1], decoded_s=10.0, duration_s=30.0)

    def dropped() -> None:
        assert ledger.start("cpu", unit) == [False]
        calls: list[Late] = [
            lambda: ledger.register(unit, windows, decoded_s=30.0, duration_s=30.0),
            lambda: ledger.prepared(unit, total_samples=3 * given.KEPT, warnings=[]),
            lambda: ledger.yield_prepare(unit, parked=True),
            lambda: ledger.fail_job(unit, Problem.of(AudioUnreadable())),
        ]
        for call in calls:
            with pytest.raises(Refused):
                call()

    return [dropped]


def late_finish(ledger: Ledger) -> list[Late]:
    unit = given.claim_finish(ledger)
    ledger.start("cpu", unit)

    def dropped() -> None:
        assert ledger.start("cpu", unit) == [False]
        calls: list[Late] = [
            lambda: ledger.results("job") if not unit.copy_of else ledger.transcript_gone(unit),
            lambda: ledger.finished(unit, warnings=[]),
            lambda: ledger.fail_job(unit, Problem.of(AudioUnreadable())),
        ]
        for call in calls:
            with pytest.raises(Refused):
                call()

    return [dropped]


def queued_unpinned(ledger: Ledger) -> list[Late]:
    create(ledger)
    return []


def queued_pinned(ledger: Ledger) -> list[Late]:
    ledger.announce(given.spec())
    create(ledger)
    return []


def queued_held_back(ledger: Ledger) -> list[Late]:
    ledger.announce(given.spec())
    ledger.create(given.request("other"))
    given.claim_prepare(ledger, "another")
    ledger.create(given.request("job"), caps=Caps(running_s=1.0))
    assert ledger.claim_prepare("cpu", "c") is None
    return []


def preparing(ledger: Ledger) -> list[Late]:
    queued_pinned(ledger)
    return late_prepare(ledger)


def prepare_given_up(ledger: Ledger) -> list[Late]:
    queued_pinned(ledger)
    unit = given.claim_prepare(ledger)
    ledger.register(unit, given.windows(3)[:2], decoded_s=20.0, duration_s=30.0)
    ledger.yield_prepare(unit, parked=False)
    return []


def prepare_parked(ledger: Ledger) -> list[Late]:
    queued_pinned(ledger)
    unit = given.claim_prepare(ledger)
    ledger.register(unit, given.windows(2000)[:1500], decoded_s=20.0, duration_s=30.0)
    ledger.yield_prepare(unit, parked=True)
    return []


def windows_claimable(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 3, job_id="job")
    return []


def windows_leased(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 3, job_id="job")
    return late_windows(ledger, given.claim(ledger, max_windows=2))


def windows_started(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 3, job_id="job")
    leases = given.claim(ledger, max_windows=2)
    assert all(ledger.start("gpu", leases))
    return late_windows(ledger, leases)


def windows_suspect_missing_and_done(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 4, job_id="job")
    leases = given.claim(ledger, max_windows=3)
    ledger.fail_window("gpu", leases[0], RAISED, alone=False)
    ledger.window_missing("gpu", leases[1])
    ledger.commit("gpu", given.results(leases[2:]))
    return late_windows(ledger, given.claim(ledger)) + late_prepare_repair(ledger)


def late_prepare_repair(ledger: Ledger) -> list[Late]:
    unit = given.claim_prepare(ledger)

    def dropped() -> None:
        with pytest.raises(Refused):
            ledger.prepared(unit, total_samples=4 * given.KEPT, warnings=[])

    return [dropped]


def finish_ready(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 3, job_id="job")
    ledger.commit("gpu", given.results(given.claim(ledger)))
    return []


def finish_leased(ledger: Ledger) -> list[Late]:
    finish_ready(ledger)
    return late_finish(ledger)


def following(ledger: Ledger) -> list[Late]:
    given.prepared_job(ledger, 3, job_id="leader", sha256="5" * 64)
    create(ledger, sha256="5" * 64)
    ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    assert ledger.job("job").deduplicated_from == "leader"
    return []


def copy_leased(ledger: Ledger) -> list[Late]:
    following(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert given.finish(ledger) == "leader"
    return late_finish(ledger)


LIVE: list[At] = [
    queued_unpinned, queued_pinned, queued_held_back, preparing, prepare_given_up, prepare_parked, windows_claimable,
    windows_leased, windows_started, windows_suspect_missing_and_done, finish_ready, finish_leased, following,
    copy_leased,
]  # fmt: skip


def succeeded(ledger: Ledger) -> list[Late]:
    finish_ready(ledger)
    unit = given.claim_finish(ledger)
    ledger.finished(unit, warnings=[])
    return []


def failed(ledger: Ledger) -> list[Late]:
    queued_pinned(ledger)
    ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioUnreadable()))
    return []


def cancelled(ledger: Ledger) -> list[Late]:
    queued_pinned(ledger)
    ledger.cancel("job")
    return []


def nothing_is_claimed(ledger: Ledger) -> None:
    """Whatever can still be claimed belongs to others."""
    ledger.announce(given.spec())
    ledger.reap()
    claimed = [*given.claim(ledger, "idle")]
    units = [ledger.claim_prepare("idle", given.claim_id()), ledger.claim_finish("idle", given.claim_id())]
    assert "job" not in {each.job_id for each in [*claimed, *units] if each}


def where_named(redis: Redis) -> set[str]:
    """The keys that say anything of the job, in their name or in what they hold."""
    found = Contents(redis).keys
    return {name for name, value in found.items() if ":job:job" in f":{name}:" or _names(value)}


def _names(value: object) -> bool:
    content = sorted(value) if isinstance(value, set) else value
    return any(f"{quote}job{quote}" in json.dumps(content).replace("\\", "") for quote in ('"', ":"))


@pytest.mark.parametrize("at", LIVE)
def test_cancelled_at_once_and_for_good(ledger: Ledger, redis: Redis, at: At) -> None:
    late = at(ledger)
    assert ledger.cancel("job").state is State.CANCELLED
    committed = ledger.counters()["committed"]
    nothing_is_claimed(ledger)
    for call in late:
        call()
    assert ledger.counters()["committed"] == committed
    assert ledger.cancel("job").state is State.CANCELLED
    assert ledger.job("job").finished_at is not None
    for incarnation in ("another", "cpu", "gpu", "idle"):
        ledger.leave(incarnation)  # which forgets the answers that its claims were given
    assert where_named(redis) == {"tingxie:job:job", "tingxie:job:job:events", "tingxie:owner:local:jobs"}
    assert redis.ttl("tingxie:job:job:events") > 0
    check(Contents(redis), [job.id for job in ledger.jobs("local")[0]])


@pytest.mark.parametrize("at", [*LIVE, succeeded, failed, cancelled])
def test_deleted_nothing_is_left(ledger: Ledger, redis: Redis, at: At) -> None:
    late = at(ledger)
    ledger.delete("job")
    nothing_is_claimed(ledger)
    for call in late:
        call()
    for ask in (ledger.job, ledger.cancel):
        with pytest.raises(JobNotFound):
            ask("job")
    ledger.delete("job")
    for incarnation in ("another", "cpu", "gpu", "idle"):
        ledger.leave(incarnation)
    assert where_named(redis) <= {"tingxie:job:job:events"}  # for those who follow it, for minutes
    assert not redis.exists("tingxie:job:job:events") or redis.ttl("tingxie:job:job:events") > 0
    check(Contents(redis), [job.id for job in ledger.jobs("local")[0]])


@pytest.mark.parametrize("at", [succeeded, failed, cancelled])
def test_what_has_ended_is_not_cancelled(ledger: Ledger, at: At) -> None:
    at(ledger)
    before = ledger.job("job")
    assert ledger.cancel("job") == before
