"""Requests a minute, per key or client address: counted over all front ends in Redis, and cheap in each of them.

A fixed window. A front end takes requests from Redis in portions and hands them out by itself, so that only every 50th
part of a limit costs a round trip; together they never let more through than the limit (docs/decisions/rate-limits.md).
"""

import math
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Flask, Response, request

from jobs.errors import RequestError
from jobs.ledger import Ledger
from web.openapi import EVERYWHERE

WINDOW_S = 60
#: a limit is taken in so many portions
PORTIONS = 50
#: identities counted at one time; beyond it all are forgotten, and take a new portion each
MOST_KNOWN = 10_000
#: where the environment of a request keeps the headers
TOLD = "tingxie.rate_limit"


class RateLimited(RequestError):
    type = "rate-limited"
    title = "Too many requests"
    remedy = "Wait as long as Retry-After says; a poll with `wait` asks less often."
    status = 429

    def __init__(self, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.headers = headers


EVERYWHERE.append(RateLimited)


@dataclass(slots=True)
class _Budget:
    """What this process may still let through in a window; `beyond`: what nobody has taken from Redis yet."""

    window: int
    left: int
    beyond: int


class RateLimits:
    """Threads share it."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._budgets: dict[str, _Budget] = {}
        self._lock = threading.Lock()

    def spend(self, identity: str, limit: int) -> dict[str, str]:
        """Let one request through; the headers that tell how many more may follow. Raises RateLimited.

        Raises LedgerUnavailable where a portion is wanted and Redis is away.
        """
        now = time.time()
        window = int(now // WINDOW_S)
        left = self._spend(identity, limit, window)
        seconds = math.ceil((window + 1) * WINDOW_S - now)
        told = {
            "RateLimit-Policy": f'"requests";q={limit};w={WINDOW_S}',
            "RateLimit": f'"requests";r={max(0, left)};t={seconds}',
        }
        if left < 0:
            detail = f"At most {limit} requests a minute are answered; the next one in {seconds} s."
            raise RateLimited(detail, {**told, "Retry-After": str(seconds)})
        return told

    def _spend(self, identity: str, limit: int, window: int) -> int:
        """How many requests are left after this one; -1 if it is one too many."""
        with self._lock:
            budget = self._budgets.get(identity)
            if budget is not None and budget.window == window:
                if budget.left > 0:
                    budget.left -= 1
                    return budget.left + budget.beyond
                if budget.beyond <= 0:
                    return -1
        # Outside of the lock: a Redis that hangs must not hold up those whose portion lasts.
        portion = max(1, limit // PORTIONS)
        taken = self._ledger.take_requests(identity, window, portion, keep_s=2 * WINDOW_S)
        granted = max(0, min(portion, limit - (taken - portion)))
        with self._lock:
            budget = self._budgets.get(identity)
            if budget is None or budget.window != window:
                if len(self._budgets) >= MOST_KNOWN:
                    self._budgets.clear()
                budget = self._budgets[identity] = _Budget(window, 0, 0)
            budget.left += granted
            budget.beyond = max(0, limit - taken)
            if budget.left == 0:
                return -1
            budget.left -= 1
            return budget.left + budget.beyond


def register(app: Flask) -> None:
    app.after_request(_tell)


def _tell(response: Response) -> Response:
    for name, value in request.environ.get(TOLD, {}).items():
        response.headers[name] = value
    return response
