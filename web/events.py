"""/v1/jobs/{id}/events: what happens to a job, as server-sent events that a client resumes where it lost them."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import Request, Response, request
from pydantic import BaseModel
from pydantic_core import to_json

from jobs.errors import JobNotFound, LedgerUnavailable
from jobs.job import State
from jobs.ledger import Event, Happened
from jobs.store import layout
from web.formats.document import parse
from web.jobs import visible_job
from web.news import Watch
from web.openapi import answer, errors, event, takes
from web.schemas import EVENT_ID, EndData, EventsQuery, ProgressData, SnapshotData, StateData, TextData
from web.services import Services, services
from web.upload import STALL_S
from web.waiting import SHORTEST_PAUSE_S, TooManyHeld, is_gone

blueprint = APIBlueprint("events", __name__, url_prefix="/v1/jobs", tag="Jobs")

MEDIA_TYPE = "text/event-stream"
#: A stream looks this often whether its client is still there, in seconds.
LOOK_S = 2.0
#: Clients connect again after so many milliseconds.
RETRY_MS = 1000
HEARTBEAT = b": still here\n\n"
#: kind of event → what its data holds
KINDS: Mapping[str, type[BaseModel]] = {
    "snapshot": SnapshotData,
    "state": StateData,
    "text": TextData,
    "progress": ProgressData,
    "end": EndData,
}


@blueprint.get("/<job_id>/events")
@blueprint.input(EventsQuery, location="query")
@blueprint.doc(
    operation_id="followJob",
    responses={
        200: answer("The events", {MEDIA_TYPE: event(KINDS)}),
        204: answer("The job has ended, and you know it"),
        **errors(422, 503, JobNotFound, TooManyHeld),
    },
    extensions=takes(headers={"Last-Event-ID": "Begin after this event."}),
)
def events(job_id: str, query_data: EventsQuery) -> Response:
    """Follow a job by server-sent events

    Begins with a `snapshot`, or, with Last-Event-ID, after that event. Ends after the event `end`.
    """
    visible_job(job_id)
    front = services()
    known = request.headers.get("Last-Event-ID", "")
    after = known if EVENT_ID.fullmatch(known) else query_data.last_event_id
    with ExitStack() as held:
        held.callback(front.waits.hold())
        watch = held.enter_context(front.waits.news.watch(job_id))
        happened = front.ledger.happened(job_id, after)
        if happened.is_over:  # tells an EventSource not to connect again
            over = Response(status=204)
            del over.headers["Content-Type"]  # there is no content
            return over
        headers = {"X-Accel-Buffering": "no"}
        if request.method == "HEAD":
            return Response(headers=headers, content_type=MEDIA_TYPE)
        if connection := request.environ.get("gunicorn.socket"):
            connection.settimeout(STALL_S)  # a client that takes nothing has gone
        stream = _Stream(front, job_id, watch, request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001
        response = Response(stream.told(happened), headers=headers, content_type=MEDIA_TYPE)
        response.call_on_close(held.pop_all().close)
        return response


@dataclass(frozen=True, slots=True)
class _Stream:
    """One client's stream."""

    front: Services
    job_id: str
    watch: Watch
    request: Request

    def told(self, happened: Happened) -> Iterator[bytes]:
        """What happened, and what happens, until the job ends, the client goes, the time is up or web drains."""
        until = time.monotonic() + self.front.settings.stream_s
        begin = b"".join(self._rendered(happened))
        yield b"retry: %d\n%s" % (RETRY_MS, begin) if begin else HEARTBEAT
        while not happened.has_ended and self._waited(until):
            happened = self._since(happened.last_id)
            yield b"".join(self._rendered(happened)) or HEARTBEAT

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

    def _rendered(self, happened: Happened) -> Iterator[bytes]:
        if snapshot := happened.snapshot:
            job, text = snapshot.job, snapshot.text
            if job.state is State.SUCCEEDED:
                text = parse(self.front.store.read(layout.transcript(self.job_id))).text
            document = {"state": job.state, "stage": job.stage, "progress": job.progress, "text": text}
            if not job.state.is_terminal:
                yield sent("snapshot", document, happened.last_id)
                return
            yield sent("snapshot", document)
            yield sent("end", {"state": job.state, "error": job.error}, happened.last_id)
        for each in happened.events:
            yield sent(*_told(each), each.id)


def sent(kind: str, data: Mapping[str, Any], event_id: str = "") -> bytes:
    """One event on the wire."""
    resumable = f"id: {event_id}\n".encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (resumable, kind.encode(), to_json(data))


def _told(happened: Event) -> tuple[str, dict[str, Any]]:
    """An event's kind and data."""
    changes = happened.changes
    if changes.get("state") == "deleted" or happened.ends_the_job:
        return "end", {"error": None, **changes}
    if "text" in changes:
        return "text", {"delta": changes["text"], "progress": changes["progress"]}
    if "state" in changes:
        return "state", {"stage": None, **changes}
    return "progress", changes
