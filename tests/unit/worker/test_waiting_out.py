"""What this process does while Redis or the store is away."""

import threading

import pytest

from jobs.errors import LedgerUnavailable
from tests.support.waiting import eventually
from worker import insistence
from worker.drain import Drain
from worker.insistence import insist
from worker.periodic import Periodic


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insistence, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(insistence, "LAST_TRIES_S", 0.01)


def away() -> int:
    raise LedgerUnavailable


def test_a_call_is_repeated_until_it_is_answered() -> None:
    answers = iter([LedgerUnavailable(), LedgerUnavailable(), 7])

    def call() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert insist(call, Drain()) == 7


def test_a_process_that_is_to_end_gives_up() -> None:
    drain = Drain()
    drain.request()
    with pytest.raises(LedgerUnavailable):
        insist(away, drain)


def test_a_drain_ends_the_wait_of_a_call_in_progress() -> None:
    drain, called = Drain(), threading.Event()

    def call() -> int:
        called.set()
        return away()

    ended = threading.Event()

    def wait() -> None:
        with pytest.raises(LedgerUnavailable):
            insist(call, drain)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert called.wait(10)
    assert not ended.is_set()
    drain.request()
    assert ended.wait(10)
    thread.join()


def test_a_chore_goes_on_after_an_outage_and_after_a_mistake() -> None:
    faults = iter([LedgerUnavailable(), LedgerUnavailable(), ZeroDivisionError()])
    done = threading.Event()

    def act() -> None:
        fault = next(faults, None)
        if fault:
            raise fault
        done.set()

    chore = Periodic("chore", 0.001, act)
    chore.start()
    assert done.wait(10)
    chore.stop(10)


def test_a_stopped_chore_is_over() -> None:
    calls: list[int] = []
    chore = Periodic("chore", 0.001, lambda: calls.append(1))
    chore.start()
    eventually(lambda: calls, 10)
    chore.stop(10)
    count = len(calls)
    assert not any(thread.name == "chore" for thread in threading.enumerate())
    assert len(calls) == count
