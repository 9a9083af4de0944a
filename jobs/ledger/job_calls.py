"""What the front end asks of the ledger: jobs in, their records out, cancel, delete."""

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import cast

from jobs.errors import JobNotFound, QuotaUsedUp, TooMuchQueued
from jobs.job import Job, JobFilter, JobRequest
from jobs.ledger import keys, records
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated
from jobs.ledger.units import Caps, Entered

#: until a file is decoded its length is guessed as that of 16 kHz, 16-bit, mono PCM: it only orders the first prepare
GUESSED_BYTES_PER_S = 32_000
#: jobs asked about in one round trip
ASKED_AT_ONCE = 500
EVERY_JOB = JobFilter()


class JobCalls(Calls):
    def create(self, request: JobRequest, *, caps: Caps | None = None) -> Entered:
        """Enter an accepted job, queued. False if it was there already: also after a lost reply, so both are fine.

        With `dedupe` on it shares the work, or the result, of an earlier job of its owner with the same audio and
        options. caps: those of its owner; the settings' by default. Raises TooMuchQueued.
        """
        caps = caps or Caps(self._settings.owner_queued_s, self._settings.owner_running_s)
        options = {
            "language": request.language,
            "task": request.task,
            "timestamps": request.timestamps,
            "script": request.script,
        }
        guessed_s = min(request.size_bytes / GUESSED_BYTES_PER_S, self._settings.max_duration_s)
        is_new, found = self._scripts.run(
            "create",
            request.id,
            request.model_dump_json(),
            json.dumps(options),
            request.owner,
            request.priority,
            request.model,
            repr(request.created_at),
            repr(guessed_s),
            request.work_digest() if self._settings.dedupe else "",
            _retention(request),
            round(1000 * caps.queued_s),
            round(1000 * caps.running_s),
            request.format,
        )
        if is_new in (-2, -3):
            raise _used_up("day" if is_new == -2 else "month", found)  # noqa: PLR2004
        if is_new < 0:
            raise _too_much(found / 1000, caps)
        return Entered(bool(is_new), found.decode() or None)

    def check_caps(self, owner: str, caps: Caps | None = None) -> None:
        """Raise TooMuchQueued or QuotaUsedUp where no job of the owner's, however short, would be taken now."""
        caps = caps or Caps(self._settings.owner_queued_s)
        queued_ms, which, seconds = self._scripts.run("quota", owner)
        if 0 < caps.queued_s <= queued_ms / 1000:
            raise _too_much(queued_ms / 1000, caps)
        if which:
            raise _used_up(which.decode(), seconds)

    def restore_succeeded(
        self, request: JobRequest, *, revision: str, dtype: str, duration_s: float, finished_at: float
    ) -> bool:
        """Enter a job whose transcript the store still has (`tingxie recover`). False if the ledger knows the job."""
        return bool(
            self._scripts.run(
                "restore",
                request.id,
                request.model_dump_json(),
                request.owner,
                request.priority,
                request.model,
                repr(request.created_at),
                revision,
                dtype,
                repr(duration_s),
                repr(finished_at),
                _retention(request),
            )
        )

    def job(self, job_id: str, *, owner: str | None = None) -> Job:
        """The record a client polls, partial_text and queue figures included.

        Raises JobNotFound, also where the job isn't the owner's.
        """
        answer = self._scripts.run("job", job_id, owner or "")
        if not answer:
            raise _unknown(job_id)
        return records.to_job(answer)

    def jobs(
        self, owner: str, wanted: JobFilter = EVERY_JOB, *, limit: int = 50, cursor: str = ""
    ) -> tuple[list[Job], str]:
        """One owner's jobs, newest first, and the cursor of the next page ('' at the end).

        Filtered, a page may hold fewer than `limit`, even none, before the last one.
        """
        asked = {
            "states": list(wanted.states),
            "after": "" if wanted.created_after is None else repr(wanted.created_after),
            "before": "" if wanted.created_before is None else repr(wanted.created_before),
            "filename": wanted.filename,
            "metadata": dict(wanted.metadata),
        }
        following, found = self._scripts.run("jobs", owner, limit, cursor, json.dumps(asked))
        return [records.to_job(answer) for answer in found], following.decode()

    def cancel(self, job_id: str) -> Job:
        """cancelled at once; absorbing. A job that already ended is returned as it is. Raises JobNotFound."""
        if not self._scripts.run("cancel", job_id):
            raise _unknown(job_id)
        return self.job(job_id)

    def delete(self, job_id: str) -> None:
        """Cancel if it runs, then forget the job: its id is unknown from now on; the sweep removes its objects.

        Deleting an unknown job is no error: a repeated call can't tell itself from the first.
        """
        self._scripts.run("delete", job_id)

    def expired(self, limit: int = ASKED_AT_ONCE) -> list[str]:
        """Ended jobs whose retention is over: to be deleted, with their objects. The longest overdue first."""
        now = self.now()
        with translated():
            found = self._redis.zrangebyscore(keys.key("expiries"), "-inf", repr(now), 0, limit)
        return [job_id.decode() for job_id in cast("list[bytes]", found)]

    def known(self, job_ids: Iterable[str]) -> set[str]:
        """Those of the jobs that the ledger has a record of. The objects of others are orphans."""
        return {job_id for job_id, record in self._read(job_ids) if record[0] is not None}

    def terminal_since(self, job_ids: Iterable[str]) -> dict[str, float]:
        """When those of the jobs that have ended did so. The window objects of these aren't needed any more."""
        return {job_id: float(record[1]) for job_id, record in self._read(job_ids) if record[1] is not None}

    def _read(self, job_ids: Iterable[str]) -> Iterator[tuple[str, list[bytes | None]]]:
        """State and finished_at of each job."""
        ids = iter(job_ids)
        while asked := list(islice(ids, ASKED_AT_ONCE)):
            with translated(), self._redis.pipeline(transaction=False) as pipeline:
                for job_id in asked:
                    pipeline.hmget(keys.key("job", job=job_id), ["state", "finished_at"])
                answers = pipeline.execute()
            yield from zip(asked, answers, strict=True)


def _retention(request: JobRequest) -> str:
    return "" if request.retention_s is None else repr(request.retention_s)


def _too_much(queued_s: float, caps: Caps) -> TooMuchQueued:
    waits, most = (f"{seconds / 3600:.2f}".rstrip("0").rstrip(".") for seconds in (queued_s, caps.queued_s))
    return TooMuchQueued(f"{waits} hours of your audio wait already, and at most {most} may.")


def _used_up(which: str, seconds: int) -> QuotaUsedUp:
    return QuotaUsedUp(f"Your hours of this {which} (UTC) are used up.", retry_after_s=seconds)


def _unknown(job_id: str) -> JobNotFound:
    return JobNotFound(f"no job has the id {job_id}")
