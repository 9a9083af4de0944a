"""What waits, for whom and how long, and how many workers that wants."""

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, Problem
from jobs.ledger import Ledger, keys
from jobs.ledger.figures_calls import STAGE_BOUNDS_S, ModelFigures
from jobs.ledger.lookout_calls import InHand
from jobs.ledger.units import Work
from tests.support import ledger as given


def test_backlog_and_jobs_by_model_and_priority(ledger: Ledger) -> None:
    given.prepared_job(ledger, 3)
    given.prepared_job(ledger, 2, priority="high")
    ledger.create(given.request(model="nobody's", priority="low"))
    ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    toy, unserved = ledger.figures().models
    assert toy.model == "toy"
    assert toy.jobs == {"normal": 1, "high": 1}
    assert sum(toy.backlog_s.values()) == pytest.approx(40.0)
    assert toy.claimable_windows == 4
    assert (unserved.model, unserved.jobs, unserved.workers) == ("nobody's", {"low": 1}, 0)
    assert unserved.workers_wanted(60.0) == 1


def test_speed_is_that_of_a_worker_that_takes_work(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    work = Work(batches=2, windows=3, useful_s=4.0, read_s=5.0, compute_s=0.5, fill=1.5)
    ledger.beat(given.worker("fast", speed=30.0, work=work))
    ledger.beat(given.worker("slow", speed=10.0))
    ledger.beat(given.worker("new"))
    ledger.beat(given.worker("leaving", speed=1000.0, draining=True))
    figures = ledger.figures()
    [toy] = figures.models
    assert (toy.workers, toy.speed) == (3, 20.0)
    assert next(each.work for each in figures.workers if each.incarnation == "fast") == work


@pytest.mark.parametrize(
    ("backlog_s", "speed", "jobs", "wanted"),
    [
        (0.0, 10.0, 0, 0),
        (0.0, 10.0, 1, 1),
        (1.0, 10.0, 1, 1),
        (6000.0, 10.0, 1, 2),
        (6001.0, 10.0, 1, 3),
        (9e9, 0, 1, 1),
    ],
)
def test_workers_wanted(*, backlog_s: float, speed: float, jobs: int, wanted: int) -> None:
    model = ModelFigures("m", jobs={"normal": jobs}, backlog_s={"normal": backlog_s}, speed=speed)
    assert model.workers_wanted(300.0) == wanted


def test_each_stage_of_a_job_that_succeeded_is_counted_once(ledger: Ledger) -> None:
    given.prepared_job(ledger, 1)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    unit = given.claim_finish(ledger)
    for _ in range(2):
        ledger.finished(unit, warnings=[])
    stages = ledger.figures().stages
    assert {stage: sum(found.counts) for stage, found in stages.items()} == dict.fromkeys(stages, 1)
    assert all(len(found.counts) == len(STAGE_BOUNDS_S) + 1 for found in stages.values())
    assert stages["all"].counts[0] == 1
    assert stages["all"].sum_s < 1.0


def test_jobs_are_counted_by_their_end(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger)
    ledger.create(given.request(job_id))
    for _ in range(2):
        ledger.cancel(job_id)
    counters = ledger.counters()
    assert (counters["created"], counters["cancelled"], counters["succeeded"]) == (1, 1, 0)


def test_what_failed_lately_is_kept_for_an_hour(ledger: Ledger, redis: Redis) -> None:
    bad = Problem.of(AudioUnreadable("noise"))
    for job_id in ("first", "second", "gone"):
        ledger.announce(given.spec())
        ledger.create(given.request(job_id))
        unit = given.claim_prepare(ledger)
        for _ in range(2):
            ledger.fail_job(unit, bad)
    ledger.delete("gone")
    assert [(each.job_id, each.type) for each in ledger.failures()] == [
        ("second", "audio-unreadable"),
        ("first", "audio-unreadable"),
    ]
    redis.zincrby(keys.key("failures"), -3601, "audio-unreadable:first")
    assert [each.job_id for each in ledger.failures()] == ["second"]


def test_what_a_worker_has_in_hand(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 3)
    given.claim(ledger, "gpu", max_windows=2)
    ledger.create(given.request("next"))
    given.claim_prepare(ledger, "cpu")
    assert ledger.in_hand(["gpu", "cpu", "idle"]) == {
        "gpu": [InHand("transcribe", job_id, 2)],
        "cpu": [InHand("prepare", "next", 0)],
        "idle": [],
    }
