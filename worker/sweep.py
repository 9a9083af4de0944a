"""The store sweep: removes what no job needs any more, a while after the event, never on the spot.

An unknown job's objects are only removed when they are old and have no `job.json`: a job with one was accepted, and
if the ledger doesn't know it, Redis has lost its data and `tingxie recover` will want them.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

from jobs.errors import UploadLocked
from jobs.hold import upload_hold
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from jobs.store.interface import ObjectInfo

log = structlog.get_logger()

#: what may be on its way into a job (an upload, a write) is left alone for so long after the last sign of life
GRACE_S = 3600.0
#: how FolderStore names what isn't whole yet
PARTIAL = ".part"
JOBS = "jobs/"
#: folders whose objects live for minutes
PASSING = ("probe/",)


class Sweep:
    """One process at a time sweeps: the one that reconciles (`is_mine`)."""

    def __init__(self, ledger: Ledger, store: AudioStore, settings: Settings, is_mine: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._store = store
        self._settings = settings
        self._is_mine = is_mine
        self._orphans = 0

    def sweep(self) -> None:
        """One round. Raises StoreUnavailable or LedgerUnavailable; what is left then goes the next time."""
        self._store.tidy()  # of this machine, so by each process
        if not self._is_mine():
            return
        self._expire()
        # Objects first: a job that is created meanwhile isn't among them.
        folders = _by_id(self._store.list(JOBS))
        ended = self._ledger.terminal_since(folders)
        known = self._ledger.known(folders)
        now, removed, orphans = self._ledger.now(), 0, 0
        for job_id, objects in folders.items():
            removed += self._remove_old([each for each in objects if each.name.endswith(PARTIAL)])
            if job_id in ended:
                removed += self._clear_ended(job_id, objects, now - ended[job_id])
            elif job_id not in known and _age_s(objects) > GRACE_S:
                if any(each.name == layout.job_record(job_id) for each in objects):
                    orphans += 1
                else:
                    removed += self._store.delete_all(layout.job_folder(job_id))
        removed += self._remove_expired_uploads()
        removed += self._remove_half_batches()
        for prefix in PASSING:
            removed += self._remove_old(self._store.list(prefix))
        self._report(removed, orphans)

    def _expire(self) -> None:
        """Delete the jobs whose retention is over, whole. Should this end in mid-way, the next round goes on."""
        for job_id in self._ledger.expired():
            # The record first, so that `tingxie recover` can't bring the job back.
            self._store.delete(layout.job_record(job_id))
            self._ledger.delete(job_id)
            self._store.delete_all(layout.job_folder(job_id))
            log.info("job.expired", job_id=job_id)

    def _clear_ended(self, job_id: str, objects: list[ObjectInfo], ended_for_s: float) -> int:
        """The windows of a job that has ended, what was fetched of it, and its audio once that was kept long enough."""
        removed = 0
        for folder in (layout.windows(job_id), layout.fetched(job_id)):
            if any(each.name.startswith(folder) for each in objects):
                removed += self._store.delete_all(folder)
        if ended_for_s > self._settings.audio_retention_s:
            audio = layout.audio(job_id)
            if any(each.name == audio for each in objects):
                self._store.delete(audio)
                removed += 1
        return removed

    def _remove_expired_uploads(self) -> int:
        """Uploads to which nothing was added for too long, unless a request is just coming in for one."""
        removed = 0
        for upload_id, objects in _by_id(self._store.list(layout.incoming())).items():
            if _age_s(objects) <= self._settings.upload_expiry_s:
                continue
            with suppress(UploadLocked), upload_hold(self._ledger, upload_id):
                self._store.delete(layout.upload_record(upload_id))
                removed += self._store.delete_all(layout.upload_folder(upload_id))
        return removed

    def _remove_half_batches(self) -> int:
        """What is left of batches that were never accepted, or that were being deleted when Redis lost its data."""
        removed = 0
        for batch_id, objects in _by_id(self._store.list(layout.batches())).items():
            is_whole = any(each.name == layout.batch_record(batch_id) for each in objects)
            if not is_whole and _age_s(objects) > GRACE_S:
                removed += self._store.delete_all(layout.batch_folder(batch_id))
        return removed

    def _remove_old(self, objects: Iterable[ObjectInfo]) -> int:
        old = [each for each in objects if _age_s([each]) > GRACE_S]
        for each in old:
            self._store.delete(each.name)
        return len(old)

    def _report(self, removed: int, orphans: int) -> None:
        if removed:
            log.info("store.swept", objects=removed)
        if orphans != self._orphans:
            self._orphans = orphans
            log.warning("store.unrecorded_jobs", jobs=orphans, remedy="Run `tingxie recover`.")


def _by_id(objects: Iterable[ObjectInfo]) -> dict[str, list[ObjectInfo]]:
    folders: defaultdict[str, list[ObjectInfo]] = defaultdict(list)
    for each in objects:
        folders[each.name.split("/")[1]].append(each)
    return dict(folders)


def _age_s(objects: list[ObjectInfo]) -> float:
    """Time since the last of them was written, by the clock that the store's times are compared with."""
    return time.time() - max(each.modified_at for each in objects)
