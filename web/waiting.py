"""Holding a poll until a job's record changes: long polls that can't use up the threads, and end when web drains."""

import re
import threading
import time
from collections.abc import Callable

from jobs.job import Job

#: Pauses between two looks at the ledger, in seconds: a short job is seen to end at once, a long one costs little.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0

_PREFERENCE = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


class Waits:
    """At most `slots` requests wait at one time; the next is answered at once, as if it hadn't asked to wait."""

    def __init__(self, *, slots: int, longest_s: float, stopping: threading.Event) -> None:
        self._free = threading.BoundedSemaphore(slots)
        self._longest_s = longest_s
        self._stopping = stopping

    def until(self, settled: Callable[[Job], bool], read: Callable[[], Job], wait_s: float) -> Job:
        """The job as `read` last gave it: when `settled` is true of it, when the time is up, or when web drains."""
        job = read()
        deadline = time.monotonic() + min(wait_s, self._longest_s)
        if wait_s <= 0 or settled(job) or not self._free.acquire(blocking=False):
            return job
        try:
            pause_s = FIRST_PAUSE_S
            while not settled(job) and (left_s := deadline - time.monotonic()) > 0:
                if self._stopping.wait(min(pause_s, left_s)):
                    break
                job = read()
                pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)
        finally:
            self._free.release()
        return job


def preferred_wait_s(header: str) -> float | None:
    """The N of `Prefer: wait=N` (RFC 7240), in seconds; None where the header doesn't say."""
    found = _PREFERENCE.search(header)
    return float(found[1]) if found else None
