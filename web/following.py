"""Following a job on an open connection: what happens to it, as it happens, for as long as the client is there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from flask import Request, request

from jobs.errors import JobNotFound, LedgerUnavailable
from jobs.ledger import Event, Happened
from web.news import Watch
from web.services import Services
from web.upload import STALL_S
from web.waiting import SHORTEST_PAUSE_S, is_gone

#: A stream looks this often whether its client is still there, in seconds.
LOOK_S = 2.0

MEDIA_TYPE = "text/event-stream"
#: Proxies pass on at once what comes.
HEADERS = {"X-Accel-Buffering": "no"}
#: A comment, which clients skip.
HEARTBEAT = b": still here\n\n"


@dataclass(frozen=True, slots=True)
class Following:
    """One client's view of a job. `request` is the request itself: the stream outlives its context."""

    front: Services
    job_id: str
    watch: Watch
    request: Request
    longest_s: float

    @classmethod
    def begin(cls, front: Services, job_id: str, watch: Watch, longest_s: float) -> "Following":
        """For the current request."""
        return cls(front, job_id, watch, request._get_current_object(), longest_s)  # type: ignore[attr-defined]  # noqa: SLF001

    def happenings(self, first: Happened) -> Iterator[Happened]:
        """`first` and whatever follows; an empty one where it's time for a heartbeat.

        Ends with the job, when the client goes, when the time is up, and when web drains.
        """
        if connection := self.request.environ.get("gunicorn.socket"):
            connection.settimeout(STALL_S)  # a client that takes nothing has gone
        until = time.monotonic() + self.longest_s
        happened = first
        yield happened
        while not happened.has_ended and self._waited(until):
            happened = self._since(happened.last_id)
            yield happened

    def _waited(self, until: float) -> bool:
        """Wait until something happens or the client wants a heartbeat; False where the stream is to end."""
        beat_at = time.monotonic() + self.front.settings.stream_heartbeat_s
        while (left_s := until - time.monotonic()) > 0:
            happened = self.watch.wait(max(0.0, min(LOOK_S, left_s, beat_at - time.monotonic())))
            if self.front.waits.news.stopping or is_gone(self.request):
                return False
            if happened:
                time.sleep(SHORTEST_PAUSE_S)  # what happens at one time goes out together
                return True
            if time.monotonic() >= beat_at:
                return True
        return False

    def _since(self, after: str) -> Happened:
        try:
            return self.front.ledger.happened(self.job_id, after)
        except LedgerUnavailable:
            return Happened(after, [])
        except JobNotFound:
            return Happened(after, [Event("", {"state": "deleted"})], is_over=True)
