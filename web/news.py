"""Wakes requests that wait for a job as soon as anything happens to it: one thread and one connection for all."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from jobs.errors import LedgerUnavailable
from jobs.ledger import Ledger, LedgerNews

log = structlog.get_logger()

#: The thread looks up this often, in seconds, even if nobody interrupts it: for jobs that it missed, and for the drain.
LOOK_UP_S = 1.0
#: A pause before Redis is asked again that could not be reached, in seconds.
RETRY_S = 1.0


class Watch:
    """One request's watch over one job."""

    def __init__(self) -> None:
        self._happened = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """Whether something has happened since the last call (or since the start), or web drains; False in time."""
        happened = self._happened.wait(timeout_s)
        if happened:  # else one that comes just now would be forgotten
            self._happened.clear()
        return happened

    def wake(self) -> None:
        self._happened.set()


class News:
    """The watches of this process, by job. The thread begins with the first one and ends when web drains."""

    def __init__(self, ledger: Ledger, stopping: threading.Event) -> None:
        self._ledger = ledger
        self._stopping = stopping
        self._lock = threading.Lock()
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self._newest: dict[str, str] = {}
        self._wanted = threading.Event()
        self._source: LedgerNews | None = None

    @property
    def stopping(self) -> bool:
        """Whoever waits ought to come to an end."""
        return self._stopping.is_set()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watch]:
        """A watch that misses nothing of what happens to the job from here on. Raises LedgerUnavailable."""
        watch, newest = Watch(), self._ledger.newest_event(job_id)
        with self._lock:
            source = self._started()
            is_new = job_id not in self._newest
            self._newest.setdefault(job_id, newest)
            self._watches[job_id].add(watch)
            self._wanted.set()
        try:
            if is_new:
                source.interrupt()
            yield watch
        finally:
            with self._lock:
                self._watches[job_id].discard(watch)
                if not self._watches[job_id]:
                    del self._watches[job_id], self._newest[job_id]

    def _started(self) -> LedgerNews:
        if self._source is None:
            self._source = self._ledger.news()
            threading.Thread(target=self._listen, args=(self._source,), name="news", daemon=True).start()
        return self._source

    def _listen(self, source: LedgerNews) -> None:
        while not self._stopping.is_set():
            if not self._wanted.wait(LOOK_UP_S):
                continue
            with self._lock:
                after = dict(self._newest)
                if not after:
                    self._wanted.clear()
            if after:
                self._wake(self._read(source, after))
        with self._lock:
            for watch in [watch for watches in self._watches.values() for watch in watches]:
                watch.wake()

    def _read(self, source: LedgerNews, after: dict[str, str]) -> dict[str, str]:
        try:
            return source.read(after, LOOK_UP_S)
        except LedgerUnavailable as error:
            log.warning("news.away", detail=error.detail)
            self._stopping.wait(RETRY_S)
            return {}

    def _wake(self, news: dict[str, str]) -> None:
        with self._lock:
            for job_id in news.keys() & self._newest.keys():
                self._newest[job_id] = news[job_id]
                for watch in self._watches[job_id]:
                    watch.wake()
