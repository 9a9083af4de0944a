"""Requests that are held: polls until a job's record changes, event streams, transcripts that are waited for.

They can't use up the threads, and end when web drains.
"""

import re
import select
import socket
import threading
import time
from collections.abc import Callable

from flask import Request

from jobs.errors import Unavailable
from jobs.job import Job
from web.news import News

#: What makes no event (the queue moves on, its worker is lost) is seen after so many seconds at the latest.
LONGEST_PAUSE_S = 3.0
#: At least so long between two looks at a job to which much happens, in seconds.
SHORTEST_PAUSE_S = 0.05

_PREFERENCE = re.compile(r"(?:^|,)\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


class TooManyHeld(Unavailable):
    type = "too-many-held"
    title = "This server holds as many waiting connections as it can"
    remedy = "Try again later, or poll without waiting."
    retry_after_s = 10


class Waits:
    """At most `slots` requests are held at one time."""

    def __init__(self, *, slots: int, longest_s: float, news: News) -> None:
        self._free = threading.BoundedSemaphore(slots)
        self._longest_s = longest_s
        self.news = news

    def hold(self) -> Callable[[], None]:
        """Take a slot for the current request; the answer gives it back. Raises TooManyHeld."""
        if not self._free.acquire(blocking=False):
            raise TooManyHeld
        return self._free.release

    def until(self, job_id: str, settled: Callable[[Job], bool], read: Callable[[], Job], wait_s: float) -> Job:
        """The job as `read` last gave it: when `settled` is true of it, when the time is up, or when web drains.

        With every slot taken, at once, as if the client hadn't asked to wait.
        """
        job = read()
        if wait_s <= 0 or settled(job) or not self._free.acquire(blocking=False):
            return job
        try:
            return self.watched(job_id, settled, read, min(wait_s, self._longest_s))
        finally:
            self._free.release()

    def watched(self, job_id: str, settled: Callable[[Job], bool], read: Callable[[], Job], wait_s: float) -> Job:
        """The same for who has a slot."""
        deadline = time.monotonic() + wait_s
        with self.news.watch(job_id) as watch:
            while True:
                looked_at = time.monotonic()
                job = read()
                left_s = deadline - time.monotonic()
                if settled(job) or left_s <= 0 or self.news.stopping:
                    return job
                watch.wait(min(LONGEST_PAUSE_S, left_s))
                soon_s = min(looked_at + SHORTEST_PAUSE_S, deadline) - time.monotonic()
                if soon_s > 0 and not self.news.stopping:
                    time.sleep(soon_s)


def is_gone(incoming: Request) -> bool:
    """Whether the client has closed the connection on which it waits; WSGI doesn't tell."""
    connection: socket.socket | None = incoming.environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        readable = select.poll()
        readable.register(connection, select.POLLIN)
        return bool(readable.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def preferred_wait_s(header: str) -> float | None:
    """The N of `Prefer: wait=N` (RFC 7240), in seconds; None where the header doesn't say."""
    found = _PREFERENCE.search(header)
    return float(found[1]) if found else None
