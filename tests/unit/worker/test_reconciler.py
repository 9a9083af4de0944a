"""How many hints the reconciler sends, and what it does after an outage."""

import json
from importlib.metadata import version

import pytest
from redis import Redis

from jobs.broker import CPU_QUEUE, MOST_WAITING, VERSION_HEADER, Hinter, make_celery, transcribe_queue
from jobs.errors import LedgerUnavailable
from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.support.ledger import claim_prepare, request, spec, windows, worker
from worker.reconciler import Reconciler


def test_a_hint_for_each_unit_that_an_idle_slot_could_take(ledger: Ledger, hinter: Hinter, settings: Settings) -> None:
    ledger.announce(spec())
    ledger.beat(worker("gpu", idle_slots=2))
    ledger.beat(worker("cpu", "cpu", idle_slots=1))
    for _ in range(3):
        ledger.create(request())
    unit = claim_prepare(ledger)
    ledger.register(unit, windows(5), decoded_s=50.0, duration_s=50.0)
    reconciler = Reconciler(ledger, hinter, settings, "gpu")
    for _ in range(3):  # what waits already isn't sent again
        reconciler.reconcile()
        assert hinter.waiting(CPU_QUEUE) == 1  # of two jobs, for one idle child
        assert hinter.waiting(transcribe_queue(spec().key)) == 2  # of five windows, for two idle threads
    assert ledger.counters()["hints"] == 3


def test_nothing_to_do_means_no_hint(ledger: Ledger, hinter: Hinter, settings: Settings) -> None:
    ledger.announce(spec())
    ledger.beat(worker("gpu", idle_slots=2))
    Reconciler(ledger, hinter, settings, "gpu").reconcile()
    assert hinter.waiting(CPU_QUEUE) == hinter.waiting(transcribe_queue(spec().key)) == 0


def test_one_process_reconciles(ledger: Ledger, hinter: Hinter, settings: Settings) -> None:
    ledger.announce(spec())
    ledger.beat(worker("cpu", "cpu", idle_slots=1))
    ledger.create(request())
    assert ledger.reconcile_lock("another", 60.0)
    Reconciler(ledger, hinter, settings, "gpu").reconcile()
    assert hinter.waiting(CPU_QUEUE) == 0


def test_leases_are_given_time_after_an_outage(
    ledger: Ledger, hinter: Hinter, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    reaped: list[int] = []
    monkeypatch.setattr(ledger, "reap", lambda: reaped.append(1) or 0)
    reconciler = Reconciler(ledger, hinter, settings, "gpu")
    reconciler.reconcile()
    assert len(reaped) == 1

    def away(_incarnation: str, _ttl_s: float) -> bool:
        raise LedgerUnavailable

    with monkeypatch.context() as outage:
        outage.setattr(ledger, "reconcile_lock", away)
        with pytest.raises(LedgerUnavailable):
            reconciler.reconcile()
    reconciler.reconcile()
    assert len(reaped) == 1


def test_a_queue_is_never_flooded(hinter: Hinter, redis: object) -> None:
    assert hinter.cpu(1000) == MOST_WAITING
    assert hinter.cpu() == 0


def test_a_hint_tells_the_version_that_sent_it(hinter: Hinter, redis: Redis) -> None:
    hinter.cpu()
    [message] = redis.lrange(CPU_QUEUE, 0, -1)
    assert json.loads(message)["headers"][VERSION_HEADER] == version("tingxie")


def test_a_hint_that_can_not_be_sent_is_no_error() -> None:
    nowhere = Hinter(make_celery(Settings(redis_url="redis://127.0.0.1:1/0")))
    assert nowhere.cpu() == 0
    assert nowhere.waiting(CPU_QUEUE) == MOST_WAITING
