"""prepare and finish: claims, registration, parking, repair, the way to finish."""

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, Problem
from jobs.job import Stage, State
from jobs.ledger import Ledger, PrepareUnit, Refused
from jobs.settings import Settings
from jobs.window import Window
from tests.support import ledger as given


@pytest.fixture
def unit(ledger: Ledger) -> PrepareUnit:
    ledger.announce(given.spec())
    ledger.create(given.request())
    return given.claim_prepare(ledger)


def test_the_first_claim_sets_the_job_running(ledger: Ledger, unit: PrepareUnit) -> None:
    job = ledger.job(unit.job_id)
    assert job.state is State.RUNNING
    assert job.started_at is not None
    assert (unit.registered, unit.registered_stop, unit.slices, unit.repair) == (0, 0, 0, False)


def test_a_claim_repeated_is_answered_the_same(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    for _ in range(2):
        ledger.create(given.request())
    first = ledger.claim_prepare("cpu", "one")
    assert first == ledger.claim_prepare("cpu", "one")
    assert first != ledger.claim_prepare("cpu", "two")


def test_the_shortest_is_prepared_first_and_priority_counts(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("long", size_bytes=1_000_000_000))
    ledger.create(given.request("short", size_bytes=1_000))
    ledger.create(given.request("urgent", size_bytes=100_000, priority="high"))
    ledger.create(given.request("patient", size_bytes=1_000, priority="low"))
    assert [given.claim_prepare(ledger).job_id for _ in range(4)] == ["urgent", "short", "patient", "long"]


def test_a_long_job_that_waited_long_enough_goes_first(ledger: Ledger, redis: Redis) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("long", size_bytes=32_000 * 36_000))  # ten hours: six minutes of work
    redis.zincrby("tingxie:prepare", -400, "long")  # 400 s later
    ledger.create(given.request("short", size_bytes=1_000))
    assert given.claim_prepare(ledger).job_id == "long"


def test_registered_windows_are_claimable_before_the_rest_is_cut(ledger: Ledger, unit: PrepareUnit) -> None:
    assert ledger.register(unit, given.windows(4)[:2], decoded_s=20.0, duration_s=40.0) == 2
    assert len(given.claim(ledger)) == 2
    job = ledger.job(unit.job_id)
    assert (job.windows_total, job.duration_s) == (2, None)


def test_registering_the_same_windows_again_changes_nothing(ledger: Ledger, unit: PrepareUnit) -> None:
    four = given.windows(4)
    ledger.register(unit, four[:2], decoded_s=20.0, duration_s=None)
    assert ledger.register(unit, four[:2], decoded_s=20.0, duration_s=None) == 2
    assert ledger.register(unit, four[1:3], decoded_s=30.0, duration_s=None) == 3


@pytest.mark.parametrize(
    "bad",
    [
        [Window(0, 100, 1000, 0, 0)],  # doesn't start at 0
        [Window(1, 0, 1000, 0, 0)],  # not the next index
        [Window(0, 0, 1000, 0, 0), Window(1, 1010, 2000, 0, 0)],  # a gap
        [Window(0, 0, 1000, 0, 0), Window(1, 900, 2000, 50, 0)],  # an overlap
        [Window(0, 0, 1000, 500, 500)],  # keeps nothing
    ],
)
def test_windows_that_do_not_lie_end_to_end_are_refused(ledger: Ledger, unit: PrepareUnit, bad: list[Window]) -> None:
    with pytest.raises(Refused):
        ledger.register(unit, bad, decoded_s=0.0, duration_s=None)
    assert given.claim(ledger) == []


def test_a_registered_window_can_not_become_another(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, [Window(0, 0, 1000, 0, 0)], decoded_s=0.0, duration_s=None)
    with pytest.raises(Refused, match="another"):
        ledger.register(unit, [Window(0, 0, 900, 0, 0)], decoded_s=0.0, duration_s=None)


def test_a_file_that_decodes_otherwise_each_time_fails(ledger: Ledger, unit: PrepareUnit, settings: Settings) -> None:
    ledger.register(unit, [Window(0, 0, 1000, 0, 0)], decoded_s=0.0, duration_s=None)
    for attempt in range(settings.max_deaths):
        other = [Window(0, 0, 900 - attempt, 0, 0)]
        with pytest.raises(Refused, match="another"):
            ledger.register(unit, other, decoded_s=0.0, duration_s=None)
        if attempt < settings.max_deaths - 1:
            unit = given.claim_prepare(ledger)
    job = ledger.job(unit.job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["type"] == "prepare-crashed"


def test_prepared_only_with_all_audio_registered(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, given.windows(2), decoded_s=20.0, duration_s=None)
    with pytest.raises(Refused):
        ledger.prepared(unit, total_samples=2 * given.KEPT + 1, warnings=[])
    again = given.claim_prepare(ledger)  # who was refused holds nothing any more
    assert not ledger.prepared(again, total_samples=2 * given.KEPT, warnings=[])
    assert ledger.job(unit.job_id).duration_s == 20.0


def test_an_old_fence_is_refused_everywhere(ledger: Ledger, unit: PrepareUnit, redis: Redis) -> None:
    given.lapse(redis, "cpu")
    ledger.reap()
    again = given.claim_prepare(ledger, "cpu2")
    problem = Problem.of(AudioUnreadable())
    for call in (
        lambda: ledger.register(unit, given.windows(1), decoded_s=10.0, duration_s=None),
        lambda: ledger.prepared(unit, total_samples=0, warnings=[]),
        lambda: ledger.yield_prepare(unit, parked=False),
        lambda: ledger.fail_job(unit, problem),
    ):
        with pytest.raises(Refused):
            call()
    ledger.register(again, given.windows(1), decoded_s=10.0, duration_s=None)


def test_a_job_error_fails_the_job(ledger: Ledger, unit: PrepareUnit) -> None:
    for _ in range(2):  # repeated after a lost reply
        ledger.fail_job(unit, Problem.of(AudioUnreadable("no frames")))
    job = ledger.job(unit.job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert (job.error["type"], job.error["detail"]) == ("audio-unreadable", "no frames")


def test_yielded_it_goes_on_where_it_was(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, given.windows(4)[:2], decoded_s=20.0, duration_s=40.0)
    for _ in range(2):
        ledger.yield_prepare(unit, parked=False)
    again = given.claim_prepare(ledger)
    assert (again.registered, again.registered_stop, again.slices) == (2, 2 * given.KEPT, 1)
    with pytest.raises(Refused):
        ledger.yield_prepare(unit, parked=False)


def test_parked_until_the_waiting_windows_run_low(redis: Redis, settings: Settings) -> None:
    ledger = Ledger(redis, settings.model_copy(update={"prepare_ahead_windows": 10}))
    ledger.announce(given.spec())
    ledger.create(given.request())
    unit = given.claim_prepare(ledger)
    ledger.register(unit, given.windows(20)[:10], decoded_s=100.0, duration_s=200.0)
    ledger.yield_prepare(unit, parked=True)
    given.claim(ledger, max_windows=5)
    assert ledger.claim_prepare("cpu", "too early") is None
    assert ledger.job(unit.job_id).stage is Stage.WAITING_FOR_WORKER
    given.claim(ledger, max_windows=1)
    assert given.claim_prepare(ledger).registered == 10


def test_parked_with_few_windows_waiting_comes_back_at_once(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.yield_prepare(unit, parked=True)
    assert given.claim_prepare(ledger).job_id == unit.job_id


def test_prepared_after_the_last_commit_completes_the_job(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, given.windows(2), decoded_s=20.0, duration_s=None)
    assert ledger.commit("gpu", given.results(given.claim(ledger))).completed_jobs == []
    assert ledger.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    assert given.claim_finish(ledger).total_samples == 2 * given.KEPT


def test_finished_keeps_the_warnings_of_both(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, given.windows(1), decoded_s=10.0, duration_s=None)
    ledger.prepared(unit, total_samples=given.KEPT, warnings=[{"type": "clipped", "detail": "削波"}])
    ledger.commit("gpu", given.results(given.claim(ledger)))
    finish = given.claim_finish(ledger)
    for _ in range(2):
        ledger.finished(finish, warnings=[{"type": "silent"}])
    job = ledger.job(unit.job_id)
    assert job.state is State.SUCCEEDED
    assert job.warnings == [{"type": "clipped", "detail": "削波"}, {"type": "silent"}]
    assert job.covered_s == job.duration_s == 10.0
    assert job.progress == 1.0


def test_an_old_finisher_is_refused(ledger: Ledger, redis: Redis) -> None:
    given.prepared_job(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    old = given.claim_finish(ledger)
    given.lapse(redis, "cpu")
    ledger.reap()
    new = given.claim_finish(ledger, "cpu2")
    with pytest.raises(Refused):
        ledger.finished(old, warnings=[])
    ledger.finished(new, warnings=[])


def test_never_succeeded_with_audio_missing(ledger: Ledger, redis: Redis) -> None:
    """Nothing known leads there; should a record be wrong all the same, the last guard holds."""
    job_id = given.prepared_job(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    redis.hincrby(f"tingxie:job:{job_id}", "done_samples", -1)
    with pytest.raises(Refused, match="samples"):
        given.finish(ledger)
    assert ledger.job(job_id).state is State.RUNNING


def test_results_in_order(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 12)
    leases = given.claim(ledger)
    ledger.commit("gpu", given.results(leases[::-1]))
    found = ledger.results(job_id)
    assert [window for window, _ in found] == given.windows(12)
    assert [payload for _, payload in found] == [f"{job_id}/{n}".encode() for n in range(12)]
    given.finish(ledger)
    with pytest.raises(Refused):
        ledger.results(job_id)


def test_any_bytes_pass_as_payload(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 1)
    [lease] = given.claim(ledger)
    payload = bytes(range(256)) + b"::\r\n"
    ledger.commit("gpu", [given.WindowResult(lease, payload, "妈妈")])
    assert ledger.results(job_id)[0][1] == payload


def test_a_missing_window_is_written_again_by_prepare(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 3)
    first, *others = given.claim(ledger)
    for _ in range(2):
        ledger.window_missing("gpu", first)
    ledger.commit("gpu", given.results(others))
    assert given.claim(ledger) == []
    unit = given.claim_prepare(ledger)
    assert unit.repair
    assert unit.registered == 3
    assert not ledger.prepared(unit, total_samples=3 * given.KEPT, warnings=[])
    [again] = given.claim(ledger)
    assert again.window == first.window
    assert ledger.commit("gpu", given.results([again])).completed_jobs == [job_id]


def test_a_window_found_missing_during_a_repair_gets_another(ledger: Ledger) -> None:
    given.prepared_job(ledger, 3)
    first, second, third = given.claim(ledger)
    ledger.window_missing("gpu", first)
    unit = given.claim_prepare(ledger)
    ledger.window_missing("gpu", second)
    ledger.prepared(unit, total_samples=3 * given.KEPT, warnings=[])
    assert given.claim(ledger) == []
    unit = given.claim_prepare(ledger)
    assert unit.repair
    ledger.prepared(unit, total_samples=3 * given.KEPT, warnings=[])
    assert [lease.window for lease in given.claim(ledger)] == [first.window, second.window]
    ledger.hand_back("gpu", [third])


def test_a_window_missing_while_its_file_is_still_cut(ledger: Ledger, unit: PrepareUnit) -> None:
    ledger.register(unit, given.windows(2), decoded_s=20.0, duration_s=None)
    first, second = given.claim(ledger)
    ledger.window_missing("gpu", first)
    ledger.commit("gpu", given.results([second]))
    ledger.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    assert given.claim(ledger) == []
    repair = given.claim_prepare(ledger)
    assert repair.repair
    ledger.prepared(repair, total_samples=2 * given.KEPT, warnings=[])
    assert len(given.claim(ledger)) == 1


def test_a_window_that_vanishes_again_and_again_fails_its_job(ledger: Ledger, settings: Settings) -> None:
    job_id = given.prepared_job(ledger, 1)
    for _ in range(settings.max_deaths):
        ledger.window_missing("gpu", *given.claim(ledger))
        ledger.prepared(given.claim_prepare(ledger), total_samples=given.KEPT, warnings=[])
    ledger.window_missing("gpu", *given.claim(ledger))
    job = ledger.job(job_id)
    assert job.state is State.FAILED
    assert job.error is not None
    assert job.error["type"] == "window-gone"


def test_silence_is_done_as_it_is_registered(ledger: Ledger) -> None:
    """In its place between windows that are transcribed, with nothing to claim and no text; a copy knows of it too."""
    ledger.announce(given.spec())
    for job_id in ("leader", "follower"):
        ledger.create(given.request(job_id, sha256="5" * 64))
    unit = given.claim_prepare(ledger)
    windows = given.windows(5)
    ledger.register(unit, windows[:3], silent=[0, 2], decoded_s=30.0, duration_s=50.0)
    first = given.claim(ledger)
    assert [lease.window.index for lease in first] == [1]
    assert ledger.job("leader").progress == pytest.approx(0.4)
    ledger.register(unit, windows[3:], silent=[3], decoded_s=50.0, duration_s=50.0)
    ledger.prepared(unit, total_samples=5 * given.KEPT, warnings=[])
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert ledger.job("leader").partial_text == ""
    ledger.commit("gpu", given.results(first))
    assert ledger.job("leader").partial_text == "<1><4>"
    assert [payload for _, payload in ledger.results("leader")] == [b"", b"leader/1", b"", b"", b"leader/4"]
    assert [given.finish(ledger), given.finish(ledger)] == ["leader", "follower"]
    for job in (ledger.job("leader"), ledger.job("follower")):
        assert (job.state, job.covered_s, job.skipped_s, job.duration_s) == (State.SUCCEEDED, 50.0, 30.0, 50.0)


def test_a_job_of_silence_alone_is_complete_once_it_is_prepared(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("quiet"))
    unit = given.claim_prepare(ledger)
    ledger.register(unit, given.windows(2), silent=[0, 1], decoded_s=20.0, duration_s=20.0)
    assert ledger.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    assert given.claim(ledger) == []
    assert given.finish(ledger) == "quiet"
