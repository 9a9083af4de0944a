"""/v1/jobs/{id}/events: what happens to a job, as server-sent events that a client resumes where it lost them."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel
from pydantic_core import to_json

from jobs.errors import JobNotFound
from jobs.job import State
from jobs.ledger import Event, Happened
from jobs.store import layout
from web.answers import empty_answer
from web.following import HEADERS, HEARTBEAT, MEDIA_TYPE, Following
from web.formats.document import parse
from web.jobs import visible_job
from web.openapi import answer, errors, event, takes
from web.schemas import EVENT_ID, EndData, EventsQuery, ProgressData, SnapshotData, StateData, TextData
from web.services import services
from web.waiting import TooManyHeld

blueprint = APIBlueprint("events", __name__, url_prefix="/v1/jobs", tag="Jobs")

#: Clients connect again after so many milliseconds.
RETRY_MS = 1000
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
            return empty_answer()
        if request.method == "HEAD":
            return Response(headers=HEADERS, content_type=MEDIA_TYPE)
        following = Following.begin(front, job_id, watch, front.settings.stream_s)
        response = Response(_told(following, happened), headers=HEADERS, content_type=MEDIA_TYPE)
        response.call_on_close(held.pop_all().close)
        return response


def _told(following: Following, first: Happened) -> Iterator[bytes]:
    begin = b"retry: %d\n" % RETRY_MS
    for happened in following.happenings(first):
        told = b"".join(_rendered(happened, following))
        yield begin + told if told else HEARTBEAT
        begin = b"" if told else begin


def _rendered(happened: Happened, following: Following) -> Iterator[bytes]:
    if snapshot := happened.snapshot:
        job, text = snapshot.job, snapshot.text
        if job.state is State.SUCCEEDED:
            text = parse(following.front.store.read(layout.transcript(job.id))).text
        document = {"state": job.state, "stage": job.stage, "progress": job.progress, "text": text}
        if not job.state.is_terminal:
            yield sent("snapshot", document, happened.last_id)
            return
        yield sent("snapshot", document)
        yield sent("end", {"state": job.state, "error": job.error}, happened.last_id)
    for each in happened.events:
        yield sent(*_kind_and_data(each), each.id)


def sent(kind: str, data: Mapping[str, Any], event_id: str = "") -> bytes:
    """One event on the wire."""
    resumable = f"id: {event_id}\n".encode() if event_id else b""
    return b"%sevent: %s\ndata: %s\n\n" % (resumable, kind.encode(), to_json(data))


def _kind_and_data(happened: Event) -> tuple[str, dict[str, Any]]:
    """An event's kind and data."""
    changes = happened.changes
    if changes.get("state") == "deleted" or happened.ends_the_job:
        return "end", {"error": None, **changes}
    if "text" in changes:
        return "text", {"delta": changes["text"], "progress": changes["progress"]}
    if "state" in changes:
        return "state", {"stage": None, **changes}
    return "progress", changes
