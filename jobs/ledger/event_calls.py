"""Following a job: what happened to it since an entry of its event stream, and waiting until something does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from redis import Redis, exceptions
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.errors import JobNotFound
from jobs.job import TERMINAL, Job
from jobs.ledger import keys, records
from jobs.ledger.calls import Calls
from jobs.ledger.connection import close, connect, translated

#: before any entry
NOTHING = "0-0"


@dataclass(frozen=True, slots=True)
class Event:
    """One change. `changes` holds what changed of state, stage, progress, text (what was added to it) and error."""

    id: str
    changes: dict[str, Any]

    @property
    def ends_the_job(self) -> bool:
        return self.changes.get("state") in TERMINAL


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job as it is, in place of events that are gone: its record, and all of its text so far ('' once it ended)."""

    job: Job
    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """What happened to a job after an entry: events, or a snapshot. last_id: the newest entry's."""

    last_id: str
    events: list[Event]
    snapshot: Snapshot | None = None
    is_over: bool = False

    @property
    def has_ended(self) -> bool:
        """Nothing will follow."""
        if self.snapshot:
            return self.snapshot.job.state.is_terminal
        return self.is_over or any(event.ends_the_job for event in self.events)


class EventCalls(Calls):
    def happened(self, job_id: str, after: str = "") -> Happened:
        """What happened after the entry `after`, a snapshot if it is ''. Raises JobNotFound.

        is_over: the job has ended, and `after` is the entry that says so.
        """
        answer = self._scripts.run("events", job_id, after)
        if not answer:
            raise JobNotFound(f"no job has the id {job_id}")
        last_id, kind, *content = answer
        happened = Happened(last_id.decode(), [], is_over=kind == b"over")
        if kind == b"gap":
            record, text = content[0]
            return replace(happened, snapshot=Snapshot(records.to_job(record), text.decode()))
        if kind == b"more":
            return replace(happened, events=[_event(*entry) for entry in content[0]])
        return happened

    def newest_event(self, job_id: str) -> str:
        """The id of a job's newest entry."""
        with translated():
            entries: Any = self._redis.xrevrange(keys.key("events", job=job_id), count=1)
        return str(entries[0][0].decode()) if entries else NOTHING

    def news(self) -> "LedgerNews":
        """A way to wait for entries of many jobs at once."""
        return LedgerNews(connect(self._settings.redis), self._redis)


class LedgerNews:
    """Waits for entries of any number of jobs on a connection of its own; for one thread, and others to interrupt."""

    def __init__(self, waiting: Redis, asking: Redis) -> None:
        waiting.set_retry(Retry(NoBackoff(), 0))  # else `client_id` may be an earlier connection's
        self._waiting = waiting
        self._asking = asking
        self._client_id = 0

    def read(self, after: Mapping[str, str], timeout_s: float) -> dict[str, str]:
        """Job → the id of its newest entry, of those that have one after the id given with them; at once if any has.

        Else waits for timeout_s, a few seconds at most; {} then, and where it was interrupted.
        """
        names = {keys.key("events", job=job_id): job_id for job_id in after}
        with translated():
            self._client_id = int(self._waiting.client_id())
            streams: Any = {name: after[job_id] for name, job_id in names.items()}
            answer: Any = self._waiting.xread(streams, block=max(1, round(1000 * timeout_s)))
        return {names[name.decode()]: entries[-1][0].decode() for name, entries in answer or ()}

    def interrupt(self) -> None:
        """Let a `read` that waits return: there are other jobs to wait for. Never fails; it ends by itself as well."""
        if self._client_id:
            try:
                self._asking.client_unblock(self._client_id)
            except exceptions.RedisError:
                return

    def close(self) -> None:
        close(self._waiting)


def _event(entry_id: bytes, flat: list[bytes]) -> Event:
    changes: dict[str, Any] = {flat[i].decode(): flat[i + 1].decode() for i in range(0, len(flat), 2)}
    if "progress" in changes:
        changes["progress"] = float(changes["progress"])
    if "error" in changes:
        changes["error"] = json.loads(changes["error"])
    return Event(entry_id.decode(), changes)
