"""The work on batches, done by front ends in the background: items become jobs, jobs are cancelled or deleted.

Whoever works on a batch holds its lock; what it has done stands in the ledger after each item, so another goes on from
there. Doing an item twice makes one job, since its id follows from the batch's.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import structlog

from jobs.batch import BatchItem, Progress, item_job_id, problem_of
from jobs.batches import Batches
from jobs.errors import (
    BatchNotFound,
    ObjectMissing,
    Problem,
    RequestError,
    TooMuchQueued,
    Unavailable,
    UploadLocked,
    UploadUsed,
)
from jobs.hold import Hold, upload_hold
from jobs.job import JobRequest
from jobs.ledger import Ledger
from jobs.store import AudioStore, layout
from jobs.submission import Submissions
from jobs.uploads import Uploads

log = structlog.get_logger()

#: after so many items it is the next batch's turn
TURN_ITEMS = 100


class _Busy(RequestError):
    """Another front end works on this batch."""


@dataclass(frozen=True, slots=True)
class Entering:
    ledger: Ledger
    store: AudioStore
    batches: Batches
    submissions: Submissions
    uploads: Uploads
    stopping: threading.Event

    def round(self) -> bool:
        """Some work on each batch that wants it; whether there is more. Raises LedgerUnavailable, StoreUnavailable."""
        more = False
        for batch_id in self.ledger.open_batches():
            try:
                with Hold(self.ledger, f"batch:{batch_id}", _Busy()) as hold, hold.kept():
                    more |= self._turn(self.ledger.batch(batch_id))
            except (_Busy, BatchNotFound):
                continue
            except Unavailable:
                raise
            except Exception:  # one batch must not keep the others waiting
                log.exception("batch.failed", batch_id=batch_id)
        return more

    def _turn(self, progress: Progress) -> bool:
        match progress.stage:
            case "entering":
                return self._enter(progress)
            case "cancelling":
                return self._cancel(progress)
            case "deleting":
                return self._delete(progress)
        return False

    def _enter(self, progress: Progress) -> bool:
        batch_id, reached = progress.batch.id, progress.next
        for index, item in self.batches.items(batch_id, reached, reached + TURN_ITEMS):
            problem = None
            try:
                if not item.error:
                    self._make_job(progress, index, item)
            except (UploadLocked, TooMuchQueued):  # its last bytes are just coming in; the owner's queue is full
                return False
            except (RequestError, ObjectMissing) as error:
                problem = problem_of(Problem.of(error))
            stage = self.ledger.step_batch(batch_id, index + 1, refused_line=bool(item.error), problem=problem)
            if stage != "entering" or self.stopping.is_set():
                return True
            reached = index + 1
        if reached < progress.batch.items:
            return True
        errors = json.dumps(self.ledger.batch(batch_id).errors, ensure_ascii=False)
        self.store.write(layout.batch_entered(batch_id), [errors.encode()], sync=True)
        self.ledger.turn_batch(batch_id, "entered")
        log.info("batch.entered", batch_id=batch_id)
        return False

    def _make_job(self, progress: Progress, index: int, item: BatchItem) -> None:
        """Make the item's job, if it isn't there. Raises RequestError where the item can't become one."""
        batch, job_id = progress.batch, item_job_id(progress.batch.id, index)
        if made := self._made(job_id):
            self.ledger.create(made)
        elif item.url is not None:
            self.submissions.accept_url(
                item.url,
                filename=item.filename,
                options=item.options,
                owner=batch.owner,
                job_id=job_id,
                batch_id=batch.id,
            )
        else:
            self._from_upload(progress, job_id, item)

    def _from_upload(self, progress: Progress, job_id: str, item: BatchItem) -> None:
        upload_id, owner = item.upload_id or "", progress.batch.owner
        self.uploads.find(upload_id, owner)
        with upload_hold(self.ledger, upload_id) as hold:
            arrived = self.uploads.find(upload_id, owner)
            if arrived.upload.job_id not in ("", job_id):
                raise UploadUsed(f"The upload {upload_id} became the job {arrived.upload.job_id}.")
            self.uploads.make_job(
                hold,
                arrived,
                filename=item.filename,
                options=item.options,
                job_id=job_id,
                batch_id=progress.batch.id,
            )

    def _made(self, job_id: str) -> JobRequest | None:
        try:
            return JobRequest.read(self.store.read(layout.job_record(job_id)))
        except ObjectMissing:
            return None

    def _cancel(self, progress: Progress) -> bool:
        for job_id in self._jobs(progress):
            self.ledger.cancel_quietly(job_id)
        self.ledger.turn_batch(progress.batch.id, "cancelled")
        return False

    def _delete(self, progress: Progress) -> bool:
        for job_id in self._jobs(progress):
            self.store.delete(layout.job_record(job_id))
            self.ledger.delete(job_id)
        # The mark goes last, so that what is left after a crash is known for what it is.
        for name in (layout.batch_items, layout.batch_entered, layout.batch_cancelled, layout.batch_record):
            self.store.delete(name(progress.batch.id))
        self.store.delete_all(layout.batch_folder(progress.batch.id))
        self.ledger.forget_batch(progress.batch.id)
        return False

    def _jobs(self, progress: Progress) -> Iterator[str]:
        return (item_job_id(progress.batch.id, index) for index in range(progress.next))
