"""The transcribe phase: claim a batch of windows, load them, run the model, commit; several threads, one device."""

import os
import threading
import time
import uuid

import structlog

from jobs.broker import Hinter
from jobs.errors import LedgerUnavailable, ObjectMissing, StoreUnavailable
from jobs.ledger import Ledger, WindowLease, WindowResult
from jobs.store import AudioStore, layout
from worker import samples
from worker.backoff import Backoff
from worker.batching import BatchPlan
from worker.device import Device
from worker.drain import Drain
from worker.forward import ForwardInput
from worker.forwarder import Forwarder, Outcome
from worker.insistence import insist
from worker.slots import Slots
from worker.watchdog import EXIT_STATUS

log = structlog.get_logger()

#: hints that one hint becomes where there is more work: 1, 3, 9, 27 workers in as many steps of some milliseconds
PASSED_ON = 2


class Transcriber:
    """`work` is the body of a hint's task and may run in several threads: while one computes, the next claims and loads
    its batch just before the device is free, and another commits. So little is claimed ahead: what a new job waits for
    is the batch in hand, and that is what a crash costs.
    """

    def __init__(
        self,
        model_key: str,
        ledger: Ledger,
        store: AudioStore,
        hinter: Hinter,
        *,
        incarnation: str,
        forwarder: Forwarder,
        plan: BatchPlan,
        slots: Slots,
        drain: Drain,
    ) -> None:
        self._model_key = model_key
        self._ledger = ledger
        self._store = store
        self._hinter = hinter
        self._incarnation = incarnation
        self._forwarder = forwarder
        self._plan = plan
        self._slots = slots
        self._drain = drain
        self._claiming = threading.Lock()  # held from before a claim until its batch has the device
        self._device = Device()
        self._backoff = Backoff(drain)

    def work(self) -> None:
        """Batch after batch, until nothing is claimable or this process is to end."""
        with self._slots.taken():
            try:
                is_first = True
                while not self._drain.requested and self._batch(is_first=is_first):
                    is_first = False
            except LedgerUnavailable as error:
                # Only while draining (insist): what is still held lapses or is handed back at the end.
                log.warning("transcribe.gave_up", detail=error.detail)
            except Exception:
                # A mistake of ours: only the end of this process gives back the windows that it holds.
                log.critical("transcribe.crashed", exc_info=True)
                os._exit(EXIT_STATUS)

    def _batch(self, *, is_first: bool) -> bool:
        """One batch from claim to commit; False if there was none. The first of an idle worker passes its hint on."""
        with self._claiming:
            self._device.wait_until_nearly_free(self._plan.lead_s)
            began = time.monotonic()
            leases = [] if self._drain.requested else self._claim(is_first=is_first)
            if not leases:
                self._plan.idled()
                return False
            if is_first and not self._device.is_busy:
                self._pass_on()
            batch, store_away = self._load(leases)
            self._plan.fetched(time.monotonic() - began)
            expected_s = self._plan.expected_s(sum(each.lease.window.samples for each in batch))
            self._device.acquire(expected_s)
        try:
            outcome, seconds = self._run(batch, expected_s)
        finally:
            self._device.release()
        self._settle(outcome, seconds)
        if store_away:
            self._backoff.wait()
        else:
            self._backoff.reset()
        return True

    def _claim(self, *, is_first: bool) -> list[WindowLease]:
        limit = self._plan.first_limit if is_first and not self._device.is_busy else self._plan.limit
        claim_id = uuid.uuid4().hex
        return insist(
            lambda: self._ledger.claim_windows(
                self._incarnation, claim_id, self._model_key, max_windows=limit.windows, max_samples=limit.samples
            ),
            self._drain,
        )

    def _pass_on(self) -> None:
        """Wake others where windows are left, and they others: so all of many idle workers are at work at once."""
        try:
            waiting = self._ledger.waiting_windows(self._model_key)
        except LedgerUnavailable:
            return  # the reconciler wakes them
        if waiting:
            self._hinter.transcribe(self._model_key, min(waiting, PASSED_ON))

    def _load(self, leases: list[WindowLease]) -> tuple[list[ForwardInput], bool]:
        """The windows whose objects could be read, and whether the store failed; the others go back to the ledger."""
        loaded: list[ForwardInput] = []
        for number, lease in enumerate(leases):
            try:
                data = self._store.read(layout.window(lease.job_id, lease.window.index))
                loaded.append(ForwardInput(lease, samples.decode(data)))
            except ObjectMissing as error:
                self._report_missing(lease, error)
            except StoreUnavailable as error:
                log.warning("store.away", detail=error.detail, handed_back=len(leases) - number)
                self._hand_back(leases[number:])
                return loaded, True
        return loaded, False

    def _report_missing(self, lease: WindowLease, error: ObjectMissing) -> None:
        log.warning("window.missing", job_id=lease.job_id, index=lease.window.index, detail=error.detail)
        insist(lambda: self._ledger.window_missing(self._incarnation, lease), self._drain)
        self._hinter.cpu()

    def _run(self, batch: list[ForwardInput], expected_s: float) -> tuple[Outcome, float]:
        """Those windows that are still ours through the model; says also how long that took."""
        leases = [each.lease for each in batch]
        if self._drain.requested:
            return Outcome(left=leases), 0.0
        if not batch:
            return Outcome(), 0.0
        ours = insist(lambda: self._ledger.start(self._incarnation, leases, expected_s=expected_s), self._drain)
        kept = [each for each, is_ours in zip(batch, ours, strict=True) if is_ours]
        began = time.monotonic()
        outcome = self._forwarder.run(kept) if kept else Outcome()
        return outcome, time.monotonic() - began

    def _settle(self, outcome: Outcome, seconds: float) -> None:
        """Tell the ledger, as often as it takes: results are kept as long as this process lives."""
        if outcome.results:
            self._commit(outcome.results, seconds)
        for lease, problem in outcome.failed:
            failed = insist(
                lambda lease=lease, problem=problem: self._ledger.fail_window(  # type: ignore[misc]
                    self._incarnation, lease, problem, alone=True
                ),
                self._drain,
            )
            log.warning("window.failed", job_id=lease.job_id, index=lease.window.index, ended_job=failed)
        self._hand_back(outcome.left)

    def _commit(self, results: list[WindowResult], seconds: float) -> None:
        committed = insist(lambda: self._ledger.commit(self._incarnation, results), self._drain)
        if committed.completed_jobs:
            self._hinter.cpu(len(committed.completed_jobs))
        log.info(
            "batch.committed",
            job_ids=sorted({result.lease.job_id for result in results}),
            windows=committed.accepted,
            fenced=committed.fenced,
            compute_s=round(seconds, 3),
            completed_jobs=committed.completed_jobs,
        )

    def _hand_back(self, leases: list[WindowLease]) -> None:
        if leases:
            insist(lambda: self._ledger.hand_back(self._incarnation, leases), self._drain)
            log.info("windows.handed_back", windows=len(leases))
