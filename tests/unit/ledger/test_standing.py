"""What a poll shows: progress, partial text, queue figures, ETA; what the reconciler reads."""

import pytest
from redis import Redis

from jobs.job import Stage
from jobs.ledger import Ledger, WindowResult
from jobs.settings import Settings
from tests.support import ledger as given
from tests.support.waiting import eventually


def test_text_grows_only_without_a_gap(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 5)
    done = given.results(given.claim(ledger))
    for order, shown in ((2, ""), (0, "<0>"), (4, "<0>"), (1, "<0><1><2>"), (3, "<0><1><2><3><4>")):
        ledger.commit("gpu", [done[order]])
        assert ledger.job(job_id).partial_text == shown


def test_partial_text_is_the_last_thousand_characters(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 2)
    texts = ["甲乙" * 900, "x丙丁𠀀" * 300]
    for lease, text in zip(given.claim(ledger), texts, strict=True):
        ledger.commit("gpu", [WindowResult(lease, b"", text)])
    assert ledger.job(job_id).partial_text == "".join(texts)[-1000:]


def test_progress_never_goes_back_and_is_1_only_at_the_end(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request())
    unit = given.claim_prepare(ledger)
    windows = given.windows(10)
    ledger.register(unit, windows[:4], decoded_s=40.0, duration_s=50.0)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert ledger.job(unit.job_id).progress == pytest.approx(0.8)
    ledger.register(unit, windows[4:], decoded_s=100.0, duration_s=100.0)
    assert ledger.job(unit.job_id).progress == pytest.approx(0.8)
    ledger.prepared(unit, total_samples=10 * given.KEPT, warnings=[])
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert 0.99 < ledger.job(unit.job_id).progress < 1
    given.finish(ledger)
    assert ledger.job(unit.job_id).progress == 1


def test_stages(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.beat(given.worker("gpu"))
    asked = given.request()
    ledger.create(asked)
    unit = given.claim_prepare(ledger)
    assert ledger.job(asked.id).stage is Stage.PREPARING
    given.prepare(ledger, unit, 1)
    assert ledger.job(asked.id).stage is Stage.TRANSCRIBING
    ledger.commit("gpu", given.results(given.claim(ledger)))
    ledger.leave("gpu")  # a complete job waits for no model
    assert ledger.job(asked.id).stage is Stage.FINISHING
    given.finish(ledger)
    assert ledger.job(asked.id).stage is None


def test_queue_position_and_audio_ahead(ledger: Ledger) -> None:
    first = given.prepared_job(ledger, 3)
    second = given.prepared_job(ledger, 2)
    urgent = given.prepared_job(ledger, 1, priority="high")
    standing = {job_id: ledger.job(job_id) for job_id in (urgent, first, second)}
    assert [job.queue_position for job in standing.values()] == [0, 1, 2]
    assert [job.queue_ahead_s for job in standing.values()] == [0.0, 10.0, 40.0]
    [lease] = given.claim(ledger, max_windows=1)
    assert lease.job_id == urgent
    ledger.commit("gpu", given.results([lease]))
    given.finish(ledger)
    assert ledger.job(second).queue_ahead_s == 30.0
    assert ledger.job(urgent).queue_position is None


def test_a_long_queue_is_looked_at_from_its_head_only(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    for n in range(250):
        ledger.create(given.request(f"job{n:03d}", size_bytes=320_000))  # guessed as ten seconds
    job = ledger.job("job249")
    assert job.queue_position == 249
    assert job.queue_ahead_s == pytest.approx(2490.0)
    assert job.eta_s is None


def test_eta_of_jobs_that_share_the_workers(ledger: Ledger) -> None:
    """Two owners share alike: the short one ends after twice its own time, the long one after all of the work."""
    short = given.prepared_job(ledger, 2, owner="a")
    long = given.prepared_job(ledger, 6, owner="b")
    assert ledger.job(short).eta_s is None
    for number in range(2):
        ledger.beat(given.worker(f"gpu{number}", speed=5.0))
    assert ledger.job(short).eta_s == pytest.approx(2 * 20.0 / 10.0)
    assert ledger.job(long).eta_s == pytest.approx(80.0 / 10.0)
    ledger.leave("gpu1")
    assert ledger.job(long).eta_s == pytest.approx(80.0 / 5.0)


def test_a_worker_that_has_done_nothing_yet_counts_as_the_others_do(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 6)
    ledger.beat(given.worker("new", speed=0.0))
    assert ledger.job(job_id).eta_s is None
    for number in range(2):
        ledger.beat(given.worker(f"gpu{number}", speed=5.0))
    assert ledger.job(job_id).eta_s == pytest.approx(60.0 / 15.0)


def test_eta_counts_down_while_a_batch_runs(ledger: Ledger) -> None:
    """But no longer than the batch was expected to take: a stuck one doesn't promise an end."""
    job_id = given.prepared_job(ledger, 6)
    ledger.beat(given.worker("gpu", speed=5.0))
    leases = given.claim(ledger, max_windows=3)
    ledger.start("gpu", leases, expected_s=0.2)
    eta_s = ledger.job(job_id).eta_s
    assert eta_s is not None
    assert 11.8 <= eta_s < 12.0
    eventually(lambda: ledger.job(job_id).eta_s == pytest.approx(11.8), 5.0)
    ledger.commit("gpu", given.results(leases))
    assert ledger.job(job_id).eta_s == pytest.approx(6.0)


def test_eta_heeds_priority(ledger: Ledger) -> None:
    low = given.prepared_job(ledger, 1, priority="low")
    given.prepared_job(ledger, 100, priority="high")
    ledger.beat(given.worker("gpu", speed=10.0))
    assert ledger.job(low).eta_s == pytest.approx((10.0 + 6 * 10.0) / 10.0)


def test_demand(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger, 3)
    ledger.create(given.request(size_bytes=320_000))
    ledger.beat(given.worker("gpu", idle_slots=2, speed=7.0))
    ledger.beat(given.worker("leaving", idle_slots=5, draining=True))
    ledger.beat(given.worker("cpu", "cpu", idle_slots=4))
    ledger.beat(given.worker("dead", idle_slots=9))
    given.lapse(redis, "dead")
    demand = ledger.demand()
    assert (demand.claimable_cpu_units, demand.idle_cpu_slots) == (1, 4)
    [model] = demand.models
    assert (model.claimable_windows, model.idle_slots, model.backlog_s, model.speed) == (3, 2, 40.0, 7.0)
    assert [live for _, live in ledger.models()] == [1]
    assert {worker.incarnation for worker in ledger.workers()} == {"gpu", "leaving", "cpu"}


def test_a_beat_tells_that_redis_forgot_the_model(ledger: Ledger) -> None:
    assert not ledger.beat(given.worker("gpu"))
    ledger.announce(given.spec())
    assert ledger.beat(given.worker("gpu"))
    assert ledger.spec(given.spec().key) == given.spec()
    assert ledger.spec("nothing") is None


def test_one_reconciler_at_a_time(ledger: Ledger) -> None:
    assert ledger.reconcile_lock("a", 60.0)
    assert ledger.reconcile_lock("a", 60.0)
    assert not ledger.reconcile_lock("b", 60.0)


def test_hints_are_counted(ledger: Ledger) -> None:
    ledger.count_hints(3)
    ledger.count_hints(2)
    assert ledger.counters()["hints"] == 5


def test_a_lease_lapses_by_itself(redis: Redis, settings: Settings) -> None:
    ledger = Ledger(redis, settings.model_copy(update={"lease_s": 1.0}))
    given.prepared_job(ledger, 1)
    given.claim(ledger, "dead")

    def reaped() -> bool:
        ledger.reap()
        return bool(given.claim(ledger))

    eventually(reaped, 10.0)
