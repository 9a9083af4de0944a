"""Long polls: they end when the job changes, when the time is up, when web drains, and never hold all threads."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from jobs.job import Job, State
from web.news import Watch
from web.waiting import TooManyHeld, Waits, preferred_wait_s


class Still:
    """News of a job to which nothing happens, unless a test wakes its watches."""

    def __init__(self, stopping: threading.Event) -> None:
        self._stopping = stopping
        self.watches: list[Watch] = []

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    @contextmanager
    def watch(self, _job_id: str) -> Iterator[Watch]:
        self.watches.append(Watch())
        yield self.watches[-1]

    def stop(self) -> None:
        self._stopping.set()
        for watch in self.watches:
            watch.wake()


def job(state: State) -> Job:
    return Job(id="j", state=state, model="m", filename="f", created_at=0.0)


def changing(*states: State) -> Iterator[Job]:
    yield from map(job, states)
    while True:
        yield job(states[-1])


def waits(*, slots: int = 4, longest_s: float = 60.0, still: Still | None = None) -> Waits:
    return Waits(slots=slots, longest_s=longest_s, news=still or Still(threading.Event()))  # type: ignore[arg-type]


def until(one: Waits, settled: Callable[[Job], bool], read: Callable[[], Job], wait_s: float) -> Job:
    return one.until("j", settled, read, wait_s)


def running(seen: Job) -> bool:
    return seen.state is State.RUNNING


def test_the_answer_comes_with_the_change() -> None:
    looks = changing(State.QUEUED, State.QUEUED, State.RUNNING)
    assert until(waits(), running, lambda: next(looks), 60.0).state is State.RUNNING


def test_the_answer_comes_when_the_time_is_up() -> None:
    began = time.monotonic()
    assert until(waits(), running, lambda: job(State.QUEUED), 0.3).state is State.QUEUED
    assert 0.3 <= time.monotonic() - began < 5


def test_the_longest_time_is_the_servers() -> None:
    short = waits(longest_s=0.1)
    began = time.monotonic()
    until(short, running, lambda: job(State.QUEUED), 10_000.0)
    assert time.monotonic() - began < 5


def test_a_draining_server_answers_at_once() -> None:
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    until(waits(still=Still(stopping)), running, lambda: job(State.QUEUED), 60.0)
    assert time.monotonic() - began < 5


def test_with_every_slot_taken_the_answer_comes_at_once() -> None:
    still, looked = Still(threading.Event()), threading.Event()
    one = waits(slots=1, still=still)

    def look() -> Job:
        looked.set()
        return job(State.QUEUED)

    holder = threading.Thread(target=until, args=(one, lambda _: False, look, 60.0))
    holder.start()
    try:
        assert looked.wait(10)
        looked.clear()
        assert looked.wait(10)  # its second look: it holds the slot
        began = time.monotonic()
        until(one, running, lambda: job(State.QUEUED), 60.0)
        assert time.monotonic() - began < 5
        with pytest.raises(TooManyHeld):
            one.hold()
    finally:
        still.stop()
        holder.join()


def test_a_drain_and_an_event_wake_who_waits() -> None:
    still = Still(threading.Event())
    looks = changing(State.QUEUED, State.QUEUED, State.QUEUED, State.RUNNING)
    answers: list[Job] = []
    waiter = threading.Thread(
        target=lambda: answers.append(until(waits(still=still), running, lambda: next(looks), 60.0))
    )
    began = time.monotonic()
    waiter.start()
    while waiter.is_alive():
        for watch in still.watches:
            watch.wake()
        waiter.join(0.02)
    assert answers[0].state is State.RUNNING
    assert time.monotonic() - began < 2.5  # sooner than by looking up


def test_a_slot_is_free_again_when_reading_fails() -> None:
    one = waits(slots=1)

    def vanish() -> Iterator[Job]:
        yield job(State.QUEUED)
        raise LookupError

    looks = vanish()
    with pytest.raises(LookupError):
        until(one, running, lambda: next(looks), 60.0)
    again = changing(State.QUEUED, State.RUNNING)
    assert until(one, running, lambda: next(again), 60.0).state is State.RUNNING


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=10", 10),
        ("respond-async, wait=5", 5),
        ('Wait="7"; x=1', 7),
        ("", None),
        ("await=3", None),
        ("wait=x", None),
    ],
)
def test_prefer(header: str, seconds: float | None) -> None:
    assert preferred_wait_s(header) == seconds
