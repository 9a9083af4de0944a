"""Long polls: they end when the job changes, when the time is up, when web drains, and never hold all threads."""

import threading
import time
from collections.abc import Iterator

import pytest

from jobs.job import Job, State
from web.waiting import Waits, preferred_wait_s


def job(state: State) -> Job:
    return Job(id="j", state=state, model="m", filename="f", created_at=0.0)


def changing(*states: State) -> Iterator[Job]:
    yield from map(job, states)
    while True:
        yield job(states[-1])


def waits(*, slots: int = 4, stopping: threading.Event | None = None) -> Waits:
    return Waits(slots=slots, longest_s=60.0, stopping=stopping or threading.Event())


def running(seen: Job) -> bool:
    return seen.state is State.RUNNING


def test_the_answer_comes_with_the_change() -> None:
    looks = changing(State.QUEUED, State.QUEUED, State.RUNNING)
    assert waits().until(running, lambda: next(looks), 60.0).state is State.RUNNING


def test_the_answer_comes_when_the_time_is_up() -> None:
    began = time.monotonic()
    assert waits().until(running, lambda: job(State.QUEUED), 0.3).state is State.QUEUED
    assert 0.3 <= time.monotonic() - began < 5


def test_the_longest_time_is_the_servers() -> None:
    short = Waits(slots=1, longest_s=0.1, stopping=threading.Event())
    began = time.monotonic()
    short.until(running, lambda: job(State.QUEUED), 10_000.0)
    assert time.monotonic() - began < 5


def test_a_draining_server_answers_at_once() -> None:
    stopping = threading.Event()
    stopping.set()
    began = time.monotonic()
    waits(stopping=stopping).until(running, lambda: job(State.QUEUED), 60.0)
    assert time.monotonic() - began < 5


def test_with_every_slot_taken_the_answer_comes_at_once() -> None:
    stopping, looked = threading.Event(), threading.Event()
    one = waits(slots=1, stopping=stopping)

    def look() -> Job:
        looked.set()
        return job(State.QUEUED)

    holder = threading.Thread(target=one.until, args=(lambda _: False, look, 60.0))
    holder.start()
    try:
        assert looked.wait(10)
        looked.clear()
        assert looked.wait(10)  # its second look: it holds the slot
        began = time.monotonic()
        one.until(running, lambda: job(State.QUEUED), 60.0)
        assert time.monotonic() - began < 5
    finally:
        stopping.set()
        holder.join()


def test_a_slot_is_free_again_when_reading_fails() -> None:
    one = waits(slots=1)

    def vanish() -> Iterator[Job]:
        yield job(State.QUEUED)
        raise LookupError

    looks = vanish()
    with pytest.raises(LookupError):
        one.until(running, lambda: next(looks), 60.0)
    again = changing(State.QUEUED, State.RUNNING)
    assert one.until(running, lambda: next(again), 60.0).state is State.RUNNING


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
