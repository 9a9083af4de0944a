"""Deliveries in the ledger: entered with a job's end, claimed when due, fenced, retried, replayed, forgotten."""

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, DeliveryNotFound, Problem
from jobs.job import State
from jobs.ledger import Ledger, keys
from jobs.webhook import MAX_BODY_BYTES, Attempt, Delivery, DeliveryState, event_body
from tests.support import ledger as given

URL = "https://hooks.example/a"
ATTEMPT = Attempt(at=1.0, duration_s=0.5, status=500, error="the receiver answered 500")


def claim(ledger: Ledger, incarnation: str = "cpu", *, attempt_s: float = 1000.0) -> Delivery | None:
    return ledger.claim_delivery(incarnation, given.claim_id(), attempt_s=attempt_s)


def claimed(ledger: Ledger, *, attempt_s: float = 1000.0) -> Delivery:
    found = claim(ledger, attempt_s=attempt_s)
    assert found is not None
    return found


def cancelled(ledger: Ledger, **changes: object) -> str:
    asked = given.request(**{"webhook_url": URL, **changes})
    ledger.create(asked)
    ledger.cancel(asked.id)
    return asked.id


def make_due(redis: Redis) -> None:
    for delivery in redis.zrange(keys.key("webhooks_due"), 0, -1):
        redis.zadd(keys.key("webhooks_due"), {delivery: 1.0})


def test_each_end_of_a_job_enters_one_delivery(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 2, webhook_url=URL)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    assert claim(ledger) is None
    given.finish(ledger)
    ledger.cancel(job_id)  # too late: no second event
    delivery = claimed(ledger)
    assert (delivery.type, delivery.url, delivery.owner) == ("job.succeeded", URL, "local")
    assert delivery.job is not None
    assert (delivery.job.id, delivery.job.state, delivery.job.covered_s) == (job_id, State.SUCCEEDED, 20.0)
    assert claim(ledger) is None
    cancelled(ledger)
    assert claimed(ledger).type == "job.cancelled"
    ledger.create(given.request(webhook_url=URL))
    ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioUnreadable("why")))
    failed = claimed(ledger)
    assert failed.type == "job.failed"
    assert failed.job is not None
    assert failed.job.error is not None
    assert failed.job.error["type"] == "audio-unreadable"


def test_who_asked_for_none_gets_none(ledger: Ledger) -> None:
    cancelled(ledger, webhook_url=None)
    ledger.create(asked := given.request(webhook_url=URL))
    ledger.delete(asked.id)  # forgotten, not ended
    assert claim(ledger) is None


def test_it_outlives_its_job(ledger: Ledger) -> None:
    job_id = cancelled(ledger, metadata={"a": "聽寫"})
    ledger.delete(job_id)
    job = claimed(ledger).job
    assert job is not None
    assert (job.id, job.metadata) == (job_id, {"a": "聽寫"})


def test_one_in_hand_is_due_again_after_its_lease(ledger: Ledger, redis: Redis) -> None:
    cancelled(ledger)
    first = claimed(ledger)
    make_due(redis)
    second = claimed(ledger)
    assert (second.id, second.attempts) == (first.id, 0)
    assert not ledger.report_delivery(first, "delivered", ATTEMPT)  # fenced off
    assert ledger.report_delivery(second, "retry", ATTEMPT, pause_s=77.0)
    record, log = ledger.delivery(first.id, "local")
    assert (record.state, record.attempts, log) == (DeliveryState.PENDING, 1, [ATTEMPT])
    assert record.next_at is not None
    assert abs(record.next_at - ledger.now() - 77) < 10


def test_a_busy_receiver_gets_nothing_and_holds_up_nobody(ledger: Ledger) -> None:
    for path in ("a", "b?c"):
        cancelled(ledger, webhook_url=f"http://busy.example:80/{path}")
    cancelled(ledger, webhook_url="http://busy.example/another-port-as-it-is-written")
    first = claimed(ledger)
    assert first.receiver == "http://busy.example:80"
    found = ledger.claim_delivery("cpu", given.claim_id(), attempt_s=60.0, busy=[first.receiver])
    assert found is not None
    assert found.receiver == "http://busy.example"
    assert ledger.claim_delivery("cpu", given.claim_id(), attempt_s=60.0, busy=[first.receiver]) is None
    assert claimed(ledger).receiver == first.receiver


def test_a_claim_is_repeated(ledger: Ledger) -> None:
    cancelled(ledger)
    assert ledger.claim_delivery("cpu", "c", attempt_s=9.0) == ledger.claim_delivery("cpu", "c", attempt_s=9.0)


@pytest.mark.parametrize("outcome", [DeliveryState.DELIVERED, DeliveryState.FAILED])
def test_an_end_is_kept_for_a_week(ledger: Ledger, redis: Redis, outcome: DeliveryState) -> None:
    cancelled(ledger)
    delivery = claimed(ledger)
    ledger.report_delivery(delivery, outcome, ATTEMPT)
    assert ledger.delivery(delivery.id, None)[0].state is outcome
    make_due(redis)
    assert claim(ledger) is None
    for name in ("delivery", "delivery_log"):
        assert 6 * 86_400 < redis.ttl(keys.key(name, delivery=delivery.id)) <= 7 * 86_400
    redis.delete(keys.key("delivery", delivery=delivery.id))
    assert ledger.deliveries("local") == ([], "")


def test_410_ends_all_of_its_receiver(ledger: Ledger) -> None:
    cancelled(ledger)
    waiting = cancelled(ledger)
    cancelled(ledger, webhook_url="https://hooks.example/b")
    first = claimed(ledger)
    ledger.report_delivery(first, "disabled", ATTEMPT)
    assert claimed(ledger).url.endswith("/b")
    assert claim(ledger) is None
    later = cancelled(ledger)
    found = {each.job_id: each.state for each in ledger.deliveries("local")[0]}
    assert found[waiting] == found[later] == DeliveryState.DISABLED
    ledger.replay_delivery(first.id, "local")
    cancelled(ledger)
    assert {claimed(ledger).id, claimed(ledger).url} == {first.id, URL}


def test_a_replay_begins_anew_under_the_same_id(ledger: Ledger, redis: Redis) -> None:
    cancelled(ledger)
    first = claimed(ledger)
    ledger.replay_delivery(first.id, "local")  # it is in hand: nothing changes
    assert claim(ledger) is None
    ledger.report_delivery(first, "failed", ATTEMPT)
    ledger.replay_delivery(first.id, None)
    assert redis.ttl(keys.key("delivery", delivery=first.id)) == -1
    again = claimed(ledger)
    assert (again.id, again.attempts, event_body(again)) == (first.id, 0, event_body(first))
    ledger.report_delivery(again, "retry", ATTEMPT, pause_s=500.0)
    assert claim(ledger) is None
    ledger.replay_delivery(first.id, "local")  # not as late as planned
    assert claimed(ledger).id == first.id
    assert len(ledger.delivery(first.id, "local")[1]) == 2


def test_another_owner_sees_nothing(ledger: Ledger) -> None:
    cancelled(ledger, owner="x")
    delivery = claimed(ledger)
    assert ledger.deliveries("y") == ([], "")
    with pytest.raises(DeliveryNotFound):
        ledger.delivery(delivery.id, "y")
    with pytest.raises(DeliveryNotFound):
        ledger.replay_delivery(delivery.id, "y")
    assert [each.id for each in ledger.deliveries("x")[0]] == [delivery.id]


def test_pages_and_filters(ledger: Ledger) -> None:
    jobs = [cancelled(ledger) for _ in range(5)]
    ledger.report_delivery(claimed(ledger), "delivered", ATTEMPT)
    seen, cursor = [], ""
    while True:
        found, cursor = ledger.deliveries("local", limit=2, cursor=cursor)
        seen += [each.job_id for each in found]
        if not cursor:
            break
    assert seen == jobs[::-1]
    assert [each.job_id for each in ledger.deliveries("local", state="delivered")[0]] == jobs[:1]
    assert [each.job_id for each in ledger.deliveries("local", job_id=jobs[3])[0]] == [jobs[3]]


def test_the_body_stays_under_20_kb(ledger: Ledger) -> None:
    cancelled(ledger, metadata={f"note {n}": "聽" * 500 for n in range(16)})
    body = event_body(claimed(ledger))
    assert len(body) <= MAX_BODY_BYTES
    assert b'"shortened":true' in body


def test_a_test_is_about_no_job(ledger: Ledger) -> None:
    ledger.test_delivery("msg_test_1", "local", URL)
    delivery = claimed(ledger)
    assert (delivery.type, delivery.job) == ("webhook.test", None)
    assert b'"data":{}' in event_body(delivery)
