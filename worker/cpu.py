"""The CPU phases in one child process: finish what is complete, then prepare what is shortest, a unit at a time."""

import os
import uuid

import structlog

from jobs.broker import Hinter
from jobs.errors import LedgerUnavailable, Unavailable
from jobs.ledger import FinishUnit, Ledger, PrepareUnit
from jobs.settings import Settings
from jobs.store import AudioStore
from worker.backoff import Backoff
from worker.drain import Drain
from worker.fetch import Fetch
from worker.finish import finish
from worker.insistence import insist
from worker.outgoing import Outgoing
from worker.prepare import prepare
from worker.slots import Slots
from worker.watchdog import EXIT_STATUS, Watchdog

log = structlog.get_logger()

#: then the task ends with a new hint, so that Celery may replace a child that has grown
UNITS_PER_TASK = 50
#: transcribe workers that a few new windows wake at once; the reconciler wakes more
MOST_WOKEN = 8

Unit = PrepareUnit | FinishUnit


class CpuWorker:
    """`work` is the body of a hint's task; a child process runs one at a time."""

    def __init__(
        self,
        ledger: Ledger,
        store: AudioStore,
        hinter: Hinter,
        settings: Settings,
        *,
        incarnation: str,
        slots: Slots,
        drain: Drain,
        watchdog: Watchdog,
        outgoing: Outgoing,
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._hinter = hinter
        self._settings = settings
        self._incarnation = incarnation
        self._slots = slots
        self._drain = drain
        self._watchdog = watchdog
        self._outgoing = outgoing
        self._backoff = Backoff(drain)

    def work(self) -> None:
        """Unit after unit, until nothing is claimable or this process is to end."""
        with self._slots.taken():
            try:
                for _ in range(UNITS_PER_TASK):
                    if self._drain.requested or not self._unit():
                        return
                self._hinter.cpu()
            except LedgerUnavailable as error:
                # Only while draining (insist): the unit lapses.
                log.warning("cpu.gave_up", detail=error.detail)

    def _unit(self) -> bool:
        """One unit from claim to report; False if there was none."""
        unit = self._claim()
        if unit is None:
            return False
        kind = "prepare" if isinstance(unit, PrepareUnit) else "finish"
        with structlog.contextvars.bound_contextvars(job_id=unit.job_id):
            if not all(insist(lambda: self._ledger.start(self._incarnation, unit), self._drain)):
                log.info("unit.lapsed", unit=kind)
                return True
            try:
                with self._watchdog.watching(unit=kind, job_id=unit.job_id):
                    self._run(unit)
            except Unavailable as error:
                self._give_back(unit, error)
            except Exception:
                # Counts as a death of the unit, as a segfault does; the next attempt has a fresh process.
                log.critical("unit.crashed", unit=kind, exc_info=True)
                os._exit(EXIT_STATUS)
            else:
                self._backoff.reset()
        return True

    def _claim(self) -> Unit | None:
        claim_id = uuid.uuid4().hex
        complete = insist(lambda: self._ledger.claim_finish(self._incarnation, f"{claim_id}-finish"), self._drain)
        if complete is not None:
            return complete
        return insist(lambda: self._ledger.claim_prepare(self._incarnation, f"{claim_id}-prepare"), self._drain)

    def _run(self, unit: Unit) -> None:
        if isinstance(unit, FinishUnit):
            finish(unit, self._ledger, self._store, self._settings)
            return
        fetch = Fetch(
            unit,
            self._ledger,
            self._store,
            self._settings,
            self._outgoing,
            should_yield=self._others_wait,
            is_draining=lambda: self._drain.requested,
        )
        prepare(
            unit,
            self._ledger,
            self._store,
            self._settings,
            should_yield=self._others_wait,
            is_draining=lambda: self._drain.requested,
            on_registered=lambda added, waiting: self._hint(unit.spec.key, added, waiting),
            waited=self._watchdog.extend,
            fetched=fetch.run,
        )

    def _others_wait(self) -> bool:
        """Whether more units wait than children are idle."""
        demand = self._ledger.demand()
        return demand.claimable_cpu_units > demand.idle_cpu_slots

    def _hint(self, model_key: str, added: int, waiting: int) -> None:
        """Wake transcribe workers for new windows; where older ones wait too, they are all awake."""
        if waiting <= added:
            self._hinter.transcribe(model_key, min(added, MOST_WOKEN))

    def _give_back(self, unit: Unit, error: Unavailable) -> None:
        """Redis or the store failed in mid-unit: nothing is held against the unit, and this child rests a little."""
        log.warning("unit.given_back", reason=error.type, detail=error.detail, job_id=unit.job_id)
        # This child holds one unit at most, so this gives back that one; the next claim or beat makes it known again.
        insist(lambda: self._ledger.leave(self._incarnation), self._drain)
        self._backoff.wait()
