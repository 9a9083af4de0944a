"""Requests a minute: exact over several front ends together, cheap in each, and told in headers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from jobs.ledger import Ledger
from web import rate_limit
from web.rate_limit import RateLimited, RateLimits


class Clock:
    def __init__(self) -> None:
        self.now = 60_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rate_limit, "time", clock)
    return clock


def let_through(limits: RateLimits, limit: int, asked: int) -> int:
    passed = 0
    for _ in range(asked):
        try:
            limits.spend("key:a", limit)
        except RateLimited:
            continue
        passed += 1
    return passed


@pytest.mark.parametrize("limit", [1, 7, 50, 333])
def test_exactly_the_limit_passes_in_each_window(ledger: Ledger, clock: Clock, limit: int) -> None:
    limits = RateLimits(ledger)
    for _ in range(2):
        assert let_through(limits, limit, limit + 60) == limit
        clock.now += 60.0


def test_two_front_ends_and_many_threads_pass_no_more(ledger: Ledger, clock: Clock) -> None:
    fronts = [RateLimits(ledger), RateLimits(ledger)]
    gate = threading.Barrier(8)
    numbers = count()

    def ask() -> int:
        limits = fronts[next(numbers) % 2]
        gate.wait()
        return let_through(limits, 500, 200)

    with ThreadPoolExecutor(8) as pool:
        passed = sum(future.result() for future in [pool.submit(ask) for _ in range(8)])
    assert 500 - 2 * 500 // rate_limit.PORTIONS <= passed <= 500


def test_what_is_left_is_told(ledger: Ledger, clock: Clock) -> None:
    limits = RateLimits(ledger)
    clock.now += 18.5
    told = [limits.spend("key:a", 200)["RateLimit"] for _ in range(6)]
    assert told == [f'"requests";r={left};t=42' for left in range(199, 193, -1)]
    let_through(limits, 200, 194)
    with pytest.raises(RateLimited) as refused:
        limits.spend("key:a", 200)
    assert refused.value.headers == {
        "RateLimit-Policy": '"requests";q=200;w=60',
        "RateLimit": '"requests";r=0;t=42',
        "Retry-After": "42",
    }
    limits.spend("key:b", 200)


def test_a_portion_costs_one_round_trip(ledger: Ledger, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    take = ledger.take_requests

    def counting(identity: str, window: int, count: int, *, keep_s: int) -> int:
        asked.append(count)
        return take(identity, window, count, keep_s=keep_s)

    monkeypatch.setattr(ledger, "take_requests", counting)
    limits = RateLimits(ledger)
    assert let_through(limits, 1000, 1500) == 1000
    assert asked == [20] * 50
