"""redis-py sends a command again when the reply is lost: every script may be applied twice, and must change once."""

import pytest
from redis import Redis, exceptions

from jobs.batch import Batch
from jobs.errors import AudioUnreadable, Problem, TingxieError
from jobs.job import State
from jobs.ledger import Ledger, Refused
from jobs.ledger.attempt_calls import Attempt as Keyed
from jobs.ledger.attempt_calls import Earlier
from jobs.ledger.scripts import Scripts
from jobs.settings import Settings
from jobs.webhook import Attempt
from tests.support import ledger as given
from tests.support.repeats import ANSWERS_ONCE, TwiceLedger, TwiceScripts

RAISED = Problem.of(TingxieError("the forward raised"))
#: these read only
READERS = {"quota", "job", "jobs", "demand", "events", "deliveries", "batch_jobs"}


@pytest.fixture
def twice(redis: Redis, settings: Settings) -> TwiceLedger:
    return TwiceLedger(redis, settings)


def test_a_jobs_whole_way(twice: TwiceLedger) -> None:
    job_id = given.prepared_job(twice, 4)
    twice.beat(given.worker("gpu"))
    leases = given.claim(twice)
    twice.start("gpu", leases)
    twice.commit("gpu", given.results(leases[:2]))
    twice.hand_back("gpu", leases[2:])
    twice.commit("gpu", given.results(given.claim(twice)))
    unit = given.claim_finish(twice)
    twice.start("cpu", unit)
    twice.finished(unit, warnings=[])
    assert twice.job(job_id).state is State.SUCCEEDED
    counted = {name: count for name, count in twice.counters().items() if count}
    assert counted == {"committed": 4, "created": 1, "succeeded": 1}
    twice.delete(job_id)


def test_the_ways_back(twice: TwiceLedger, redis: Redis) -> None:
    given.prepared_job(twice, 6)
    lost = given.claim(twice, "lost", max_windows=2)
    twice.start("lost", lost[:1])
    given.lapse(redis, "lost")
    twice.reap()
    twice.commit("lost", given.results(lost))
    [again] = given.claim(twice, max_windows=1)
    twice.fail_window("gpu", again, RAISED, alone=True)
    [other] = given.claim(twice, "gpu2", max_windows=1)
    twice.fail_window("gpu2", other, RAISED, alone=False)
    twice.leave("gpu")
    counters = twice.counters()
    assert (counters["lapsed"], counters["fenced"], counters["suspects"]) == (2, 2, 1)


def test_the_last_death(redis: Redis, settings: Settings) -> None:
    twice = TwiceLedger(redis, settings.model_copy(update={"max_deaths": 1}))
    job_id = given.prepared_job(twice, 2)
    assert twice.fail_window("gpu", given.claim(twice)[0], RAISED, alone=True)
    assert twice.job(job_id).state is State.FAILED


def test_prepare_that_yields_repairs_and_is_refused(twice: TwiceLedger, redis: Redis) -> None:
    twice.announce(given.spec())
    twice.create(given.request())
    unit = given.claim_prepare(twice)
    twice.start("cpu", unit)
    twice.register(unit, given.windows(2)[:1], decoded_s=10.0, duration_s=20.0)
    twice.yield_prepare(unit, parked=True)
    unit = given.claim_prepare(twice)
    twice.yield_prepare(unit, parked=True, rest_s=1e-6)
    assert twice.wake_resting() == 1
    unit = given.claim_prepare(twice)
    twice.register(unit, given.windows(2), decoded_s=20.0, duration_s=20.0)
    with pytest.raises(Refused):
        twice.prepared(unit, total_samples=7, warnings=[])
    unit = given.claim_prepare(twice)
    twice.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    first, second = given.claim(twice)
    twice.window_missing("gpu", first)
    twice.commit("gpu", given.results([second]))
    unit = given.claim_prepare(twice)
    given.lapse(redis, "cpu")
    twice.reap()
    with pytest.raises(Refused):
        twice.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    unit = given.claim_prepare(twice)
    twice.prepared(unit, total_samples=2 * given.KEPT, warnings=[])
    twice.commit("gpu", given.results(given.claim(twice)))
    finish = given.claim_finish(twice)
    twice.fail_job(finish, Problem.of(AudioUnreadable()))


def test_silence_that_is_left_out(twice: TwiceLedger) -> None:
    twice.announce(given.spec())
    twice.create(given.request("quiet"))
    unit = given.claim_prepare(twice)
    twice.register(unit, given.windows(4), silent=[0, 2], decoded_s=40.0, duration_s=40.0)
    twice.prepared(unit, total_samples=4 * given.KEPT, warnings=[])
    assert twice.job("quiet").skipped_s == twice.job("quiet").covered_s == 20.0
    twice.commit("gpu", given.results(given.claim(twice)))
    given.finish(twice)
    assert twice.job("quiet").covered_s == 40.0


def test_jobs_that_share_their_work(twice: TwiceLedger) -> None:
    """Each end of a leader hands over to its followers, once."""
    twice.announce(given.spec())
    for number in range(5):
        priority = "high" if number == 2 else "normal"
        twice.create(given.request(f"same{number}", sha256="5" * 64, priority=priority))
    twice.cancel("same0")
    twice.delete("same1")
    unit = given.claim_prepare(twice)
    given.prepare(twice, unit)
    twice.commit("gpu", given.results(given.claim(twice)))
    assert given.finish(twice) == "same2"
    twice.transcript_gone(given.claim_finish(twice))
    twice.transcript_gone(given.claim_finish(twice))
    unit = given.claim_prepare(twice)
    twice.fail_job(unit, Problem.of(AudioUnreadable()))
    states = [twice.job(job_id).state for job_id in ("same0", "same2", "same3", "same4")]
    assert states == [State.CANCELLED, State.SUCCEEDED, State.FAILED, State.FAILED]


def test_the_others(twice: TwiceLedger) -> None:
    asked = given.request()
    twice.create(asked)
    assert twice.restore_succeeded(
        given.request("done"), revision="r", dtype="d", duration_s=1.0, finished_at=twice.now()
    )
    twice.cancel("done")
    twice.count_hints(2)
    twice.reconcile_lock("gpu", 60.0)
    assert twice.hold("upload:1", "request", 60.0)
    assert not twice.hold("upload:1", "other", 60.0)
    twice.let_go("upload:1", "request")
    batch = Batch(id="batch", owner="local", name="", created_at=1.5, items=3, refused=1)
    twice.create_batch(batch)
    assert twice.step_batch("batch", 1, refused_line=True) == "entering"
    assert twice.step_batch("batch", 2, problem={"type": "unknown-model"}) == "entering"
    twice.put_batch_errors("batch", {"1": {"type": "unknown-model"}})
    twice.count_batch(twice.batch("batch"))
    assert twice.turn_batch("batch", "cancelling") == "cancelling"
    assert twice.step_batch("batch", 3) == "cancelling"
    twice.cancel_quietly("done")
    assert twice.turn_batch("batch", "entered") == "cancelling"
    assert twice.turn_batch("batch", "deleting") == "deleting"
    twice.forget_batch("batch")
    twice.jobs("local")
    twice.demand()
    assert twice.expire_waiting(0.0) == 1
    twice.join("local", "digest", "joined", "request", lease_s=60.0)
    twice.attend("joined", "request", 60.0)
    twice.attend("joined", "request", 0.0)
    twice.abandon("joined")
    assert twice.counters()["hints"] == 2


def test_webhooks(twice: TwiceLedger) -> None:
    asked = given.request(webhook_url="https://hooks.example/")
    twice.create(asked)
    twice.cancel(asked.id)
    for outcome in ("retry", "disabled"):
        delivery = twice.claim_delivery("cpu", given.claim_id(), attempt_s=60.0)
        assert delivery is not None
        assert twice.report_delivery(delivery, outcome, Attempt(at=1.0, duration_s=1.0, status=500), pause_s=60.0)
        twice.replay_delivery(delivery.id, "local")
    twice.test_delivery("msg_test", "local", "https://hooks.example/")


def test_an_idempotency_key(twice: TwiceLedger) -> None:
    mine, other = Keyed("a", "d", "1"), Keyed("a", "d", "2")
    assert not twice.begin_attempt(mine).held
    assert twice.begin_attempt(other).held
    assert not twice.renew_attempt(other)
    assert twice.renew_attempt(mine)
    assert not twice.tell_attempt(other, "x", "job0")
    assert twice.tell_attempt(mine, "f", "job1")
    twice.end_attempt(mine, status=202, headers=b"{}", body=b"made")
    assert twice.begin_attempt(other) == Earlier(False, "f", "job1", 202, b"{}", b"made")


def test_every_script_stands_here(redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new script must be repeated by a test above."""
    ran: set[str] = set()
    run = TwiceScripts.run

    def recording(self: TwiceScripts, name: str, *arguments: str | bytes | float) -> object:
        ran.add(name)
        return run(self, name, *arguments)

    monkeypatch.setattr(TwiceScripts, "run", recording)
    for test in (
        test_a_jobs_whole_way,
        test_jobs_that_share_their_work,
        test_the_others,
        test_webhooks,
        test_an_idempotency_key,
    ):
        redis.flushdb()
        test(TwiceLedger(redis, settings))
    for other in (test_the_ways_back, test_prepare_that_yields_repairs_and_is_refused):
        redis.flushdb()
        other(TwiceLedger(redis, settings), redis)
    assert ran | READERS == set(Scripts(redis)._scripts)
    assert set(Scripts(redis)._scripts) >= ANSWERS_ONCE


def test_a_reply_that_is_lost_is_asked_for_again(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real thing: the connection breaks after Redis has applied the command."""
    given.prepared_job(ledger, 2)
    leases = given.claim(ledger)
    redis = ledger._redis
    parse, lost = redis.parse_response, []

    def losing(connection: object, command: str, **options: object) -> object:
        answer = parse(connection, command, **options)  # type: ignore[arg-type]
        if command == "EVALSHA" and not lost:
            lost.append(answer)
            raise exceptions.ConnectionError("the reply is lost")
        return answer

    monkeypatch.setattr(redis, "parse_response", losing)
    try:
        committed = ledger.commit("gpu", given.results(leases))
    finally:
        monkeypatch.undo()
    assert lost
    assert committed.accepted == 2
    assert ledger.counters()["committed"] == 2
