"""Jobs with the same audio and options share one's work; what becomes of one of them never harms another."""

from importlib import resources

import pytest
from redis import Redis

from jobs.errors import AudioGone, AudioUnreadable, Problem, TingxieError
from jobs.job import State
from jobs.ledger import Ledger, Refused
from jobs.settings import Settings
from tests.support import ledger as given

SAME = "5a" * 32


def create(ledger: Ledger, job_id: str, **changes: object) -> str | None:
    """Enter a job of the same audio; returns the job that it follows."""
    ledger.announce(given.spec())
    return ledger.create(given.request(job_id, **{"sha256": SAME, **changes})).deduplicated_from


def pair(ledger: Ledger) -> None:
    assert create(ledger, "first") is None
    assert create(ledger, "second") == "first"


def work(ledger: Ledger) -> str:
    """All the work that there is, up to a finish; returns the job that it was done for."""
    unit = given.claim_prepare(ledger)
    given.prepare(ledger, unit)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    return unit.job_id


def nothing_to_do(ledger: Ledger) -> bool:
    demand = ledger.demand()
    return demand.claimable_cpu_units == 0 and all(
        model.claimable_windows == 0 and model.backlog_s == 0 for model in demand.models
    )


def test_the_work_is_done_once_and_both_succeed(ledger: Ledger) -> None:
    pair(ledger)
    assert work(ledger) == "first"
    finish = given.claim_finish(ledger)
    assert (finish.job_id, finish.copy_of) == ("first", None)
    assert ledger.claim_finish("cpu", "c") is None
    ledger.finished(finish, warnings=[{"type": "no-speech"}])
    copy = given.claim_finish(ledger)
    assert (copy.job_id, copy.copy_of, copy.total_samples) == ("second", "first", finish.total_samples)
    assert ledger.job("second").state is State.RUNNING
    ledger.finished(copy, warnings=[{"type": "no-speech"}])
    first, second = ledger.job("first"), ledger.job("second")
    alike = ("state", "duration_s", "covered_s", "revision", "windows_total", "windows_done", "warnings")
    assert [getattr(first, name) for name in alike] == [getattr(second, name) for name in alike]
    assert (first.deduplicated_from, second.deduplicated_from) == (None, "first")
    assert ledger.counters()["committed"] == 3
    assert nothing_to_do(ledger)


def test_a_follower_shows_how_far_its_leader_is(ledger: Ledger) -> None:
    pair(ledger)
    ledger.beat(given.worker("gpu", speed=10.0))
    shown = ("state", "stage", "progress", "covered_s", "duration_s", "partial_text", "queue_position", "queue_ahead_s")
    unit = given.claim_prepare(ledger)
    given.prepare(ledger, unit)
    for _ in range(2):
        ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
        first, second = ledger.job("first"), ledger.job("second")
        assert [getattr(first, name) for name in shown] == [getattr(second, name) for name in shown]
        assert first.eta_s == second.eta_s
    assert ledger.job("second").progress == pytest.approx(2 / 3)
    assert ledger.job("second").started_at is not None


def test_who_comes_after_the_end_copies_at_once(ledger: Ledger) -> None:
    create(ledger, "first")
    work(ledger)
    given.finish(ledger)
    assert create(ledger, "late") == "first"
    assert ledger.job("late").state is State.QUEUED
    assert given.claim_finish(ledger).copy_of == "first"
    assert ledger.claim_prepare("cpu", "c") is None


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "b" * 64},
        {"owner": "another"},
        {"language": "zh"},
        {"task": "translate"},
        {"timestamps": "word"},
        {"cutting": "fixed"},
        {"window_s": 19.0},
        {"context_s": 1.0},
        {"model": "another"},
    ],
)
def test_what_changes_the_transcript_is_not_shared(ledger: Ledger, change: dict[str, object]) -> None:
    create(ledger, "first")
    assert create(ledger, "second", **change) is None


def test_what_does_not_is(ledger: Ledger) -> None:
    create(ledger, "first")
    other = {"filename": "b.wav", "metadata": {"a": "b"}, "priority": "low", "retention_s": 5.0, "created_at": 1.0}
    assert create(ledger, "second", **other) == "first"


def test_switched_off_nothing_is_shared(redis: Redis, settings: Settings) -> None:
    ledger = Ledger(redis, settings.model_copy(update={"dedupe": False}))
    create(ledger, "first")
    assert create(ledger, "second") is None


def test_another_revision_is_not_shared(ledger: Ledger) -> None:
    create(ledger, "first")
    work(ledger)
    given.finish(ledger)
    ledger.announce(given.spec(revision="r2"))
    assert ledger.create(given.request("second", sha256=SAME)).deduplicated_from is None
    assert ledger.create(given.request("third", sha256=SAME)).deduplicated_from == "second"


def test_before_any_model_is_known_too(ledger: Ledger) -> None:
    ledger.create(given.request("first", sha256=SAME))
    assert ledger.create(given.request("second", sha256=SAME)).deduplicated_from == "first"
    ledger.announce(given.spec(revision="r7"))
    assert ledger.job("second").revision == "r7"
    assert work(ledger) == "first"


@pytest.mark.parametrize("end", ["cancel", "delete"])
@pytest.mark.parametrize("when", ["queued", "preparing", "transcribing", "finishing"])
def test_the_end_of_a_leader_lets_the_next_one_lead(ledger: Ledger, end: str, when: str) -> None:
    pair(ledger)
    create(ledger, "third")
    if when == "preparing":
        unit = given.claim_prepare(ledger)
        ledger.register(unit, given.windows(2), decoded_s=20.0, duration_s=60.0)
    elif when == "transcribing":
        given.prepare(ledger, given.claim_prepare(ledger))
        ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    elif when == "finishing":
        work(ledger)
        given.claim_finish(ledger)
    getattr(ledger, end)("first")
    second, third = ledger.job("second"), ledger.job("third")
    assert (second.deduplicated_from, third.deduplicated_from) == (None, "second")
    assert work(ledger) == "second"
    assert [given.finish(ledger), given.finish(ledger)] == ["second", "third"]
    assert [ledger.job(job_id).state for job_id in ("second", "third")] == [State.SUCCEEDED] * 2
    assert nothing_to_do(ledger)


@pytest.mark.parametrize("end", ["cancel", "delete"])
def test_the_end_of_a_follower_is_its_own(ledger: Ledger, redis: Redis, end: str) -> None:
    pair(ledger)
    getattr(ledger, end)("second")
    assert work(ledger) == "first"
    assert given.finish(ledger) == "first"
    assert ledger.job("first").state is State.SUCCEEDED
    assert nothing_to_do(ledger)
    assert not redis.keys("tingxie:job:*:followers")


def test_a_fault_of_the_audio_fails_all(ledger: Ledger) -> None:
    pair(ledger)
    ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioUnreadable("no sound in it")))
    for job_id in ("first", "second"):
        job = ledger.job(job_id)
        assert job.state is State.FAILED
        assert job.error is not None
        assert job.error["detail"] == "no sound in it"
    assert create(ledger, "third") is None  # it is tried anew
    assert nothing_to_do(ledger) is False


def test_another_fault_fails_the_leader_only(ledger: Ledger) -> None:
    pair(ledger)
    ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioGone()))
    assert ledger.job("first").state is State.FAILED
    assert ledger.job("second").deduplicated_from is None
    assert work(ledger) == "second"


def test_every_shared_fault_is_a_known_error() -> None:
    text = (resources.files("jobs.ledger") / "lua/shared/sharing.lua").read_text()
    listed = {line.split("'")[1] for line in text.replace("] = true", "\n").splitlines() if "['" in line}
    classes: list[type[TingxieError]] = [TingxieError]
    for each in classes:
        classes += each.__subclasses__()
    assert len(listed) > 5
    assert listed <= {each.type for each in classes}


def test_a_job_that_nobody_serves_fails_alone(ledger: Ledger) -> None:
    ledger.create(given.request("first", sha256=SAME))
    ledger.create(given.request("second", sha256=SAME))
    assert ledger.expire_waiting(0.0) == 1
    assert ledger.job("first").state is State.FAILED
    assert ledger.job("second").state is State.QUEUED
    assert ledger.expire_waiting(0.0) == 1
    assert ledger.job("second").state is State.FAILED


def test_a_deleted_result_is_not_shared_any_more(ledger: Ledger) -> None:
    create(ledger, "first")
    work(ledger)
    given.finish(ledger)
    ledger.delete("first")
    assert create(ledger, "second") is None
    assert create(ledger, "third") == "second"


def test_a_transcript_that_went_before_it_was_copied_is_made_anew(ledger: Ledger) -> None:
    pair(ledger)
    create(ledger, "third")
    work(ledger)
    given.finish(ledger)
    ledger.delete("first")
    copies = [given.claim_finish(ledger), given.claim_finish(ledger)]
    for copy in copies:
        ledger.transcript_gone(copy)
    with pytest.raises(Refused):
        ledger.finished(copies[0], warnings=[])
    assert ledger.job("second").deduplicated_from is None
    assert ledger.job("third").deduplicated_from == "second"
    assert work(ledger) == "second"
    assert [given.finish(ledger), given.finish(ledger)] == ["second", "third"]


def test_a_transcript_that_only_the_store_lost_is_made_anew(ledger: Ledger) -> None:
    pair(ledger)
    work(ledger)
    given.finish(ledger)
    ledger.transcript_gone(given.claim_finish(ledger))
    assert work(ledger) == "second"
    given.finish(ledger)
    assert create(ledger, "third") == "second"


def test_a_copy_whose_finisher_dies_is_claimed_again(ledger: Ledger, redis: Redis) -> None:
    pair(ledger)
    work(ledger)
    given.finish(ledger)
    lost = given.claim_finish(ledger, "dead")
    given.lapse(redis, "dead")
    ledger.reap()
    again = given.claim_finish(ledger)
    assert (again.job_id, again.copy_of) == ("second", "first")
    with pytest.raises(Refused):
        ledger.finished(lost, warnings=[])
    ledger.finished(again, warnings=[])


def test_an_urgent_follower_lifts_its_leader(ledger: Ledger) -> None:
    busy = given.prepared_job(ledger, 40, priority="normal", owner="x")
    assert create(ledger, "first", priority="low") is None
    unit = ledger.claim_prepare("cpu", "c")
    assert unit is not None
    given.prepare(ledger, unit, 10)
    assert {lease.job_id for lease in given.claim(ledger, max_windows=5)} == {busy, "first"}
    given.claim(ledger, max_windows=5)
    assert create(ledger, "second", priority="high") == "first"
    taken = [lease.job_id for lease in given.claim(ledger, max_windows=9)]
    assert taken.count("first") >= 5
    assert ledger.job("first").priority == "low"  # what its user asked for
    assert ledger.job("first").queue_position == 0


def test_an_urgent_follower_lifts_a_leader_that_waits(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("other", size_bytes=1000))
    create(ledger, "first", priority="low")
    create(ledger, "second", priority="high")
    assert given.claim_prepare(ledger).job_id == "first"
    ledger.create(given.request("a", model="later", sha256=SAME, priority="low"))
    ledger.create(given.request("b", model="later", priority="normal"))
    ledger.create(given.request("c", model="later", sha256=SAME, priority="high"))
    assert ledger.job("a").queue_position == 0
