"""Bounded polls on something observable, in place of sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")


def eventually(predicate: Callable[[], Value], timeout_s: float = 30.0, *, every_s: float = 0.02) -> Value:
    """Poll until the predicate returns something true, and return that.

    An AssertionError inside it counts as "not yet"; at the deadline it is raised, else a plain AssertionError is.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        reason: AssertionError | None = None
        try:
            if value := predicate():
                return value
        except AssertionError as error:
            reason = error
        if time.monotonic() > deadline:
            raise reason or AssertionError(f"not true within {timeout_s:g} s: {predicate}")
        time.sleep(every_s)
