"""The reconciler: returns what the dead held, and keeps as many hints in the queues as there is work and capacity.

Every worker process runs one; a lock in Redis lets one of them act.
"""

import structlog

from jobs.broker import CPU_QUEUE, Hinter, transcribe_queue
from jobs.errors import Unavailable
from jobs.ledger import Ledger
from jobs.reaper import Reaper
from jobs.settings import Settings

log = structlog.get_logger()

#: rounds that the lock outlives its holder
LOCK_ROUNDS = 2.5


class Reconciler:
    def __init__(self, ledger: Ledger, hinter: Hinter, settings: Settings, incarnation: str) -> None:
        self._ledger = ledger
        self._hinter = hinter
        self._settings = settings
        self._incarnation = incarnation
        self._reaper = Reaper(ledger, settings)

    def reconcile(self) -> None:
        """One round, if the lock is ours. Raises LedgerUnavailable."""
        try:
            if self._ledger.reconcile_lock(self._incarnation, LOCK_ROUNDS * self._settings.reconcile_s):
                self._round()
        except Unavailable:
            self._reaper.was_away()
            raise

    def _round(self) -> None:
        self._reaper.reap()
        self._ledger.expire_waiting(self._settings.waiting_timeout_s)
        self._ledger.wake_resting()
        sent = self._hint()
        if sent:
            self._ledger.count_hints(sent)
            log.debug("hints.sent", hints=sent)

    def _hint(self) -> int:
        """A hint for each unit that an idle slot could take, less those that wait already."""
        demand = self._ledger.demand()
        sent = 0
        missing = min(demand.claimable_cpu_units, demand.idle_cpu_slots)
        if missing and (missing := missing - self._hinter.waiting(CPU_QUEUE)) > 0:
            sent += self._hinter.cpu(missing)
        for model in demand.models:
            missing = min(model.claimable_windows, model.idle_slots)
            if missing and (missing := missing - self._hinter.waiting(transcribe_queue(model.model_key))) > 0:
                sent += self._hinter.transcribe(model.model_key, missing)
        return sent
