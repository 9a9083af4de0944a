"""What every process that claims units runs beside its work: heartbeat, reconciler, sweep."""

from collections.abc import Sequence

import structlog

from jobs.broker import Hinter
from jobs.errors import LedgerUnavailable
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore
from worker.heartbeat import Heartbeat
from worker.periodic import Periodic
from worker.reconciler import LOCK_ROUNDS, Reconciler
from worker.sweep import Sweep

log = structlog.get_logger()

#: a sweep of a large store isn't waited for; whatever it has not removed goes the next time
CHORE_STOP_S = 0.5
#: a beat after we have left would make us look alive for one more lease
BEAT_STOP_S = 5.0


class Upkeep:
    """Threads; `start` them in the process that they are about, after any fork. more: chores of one kind of worker."""

    def __init__(
        self,
        heartbeat: Heartbeat,
        ledger: Ledger,
        store: AudioStore,
        hinter: Hinter,
        settings: Settings,
        *,
        incarnation: str,
        more: Sequence[Periodic] = (),
    ) -> None:
        self._heartbeat = heartbeat
        self._ledger = ledger
        self._incarnation = incarnation
        reconciler = Reconciler(ledger, hinter, settings, incarnation)
        lock_s = LOCK_ROUNDS * settings.reconcile_s
        sweep = Sweep(ledger, store, settings, lambda: ledger.reconcile_lock(incarnation, lock_s))
        self._chores = [
            Periodic("reconciler", settings.reconcile_s, reconciler.reconcile),
            Periodic("sweep", settings.sweep_s, sweep.sweep),
            *more,
        ]

    def start(self) -> None:
        self._heartbeat.start()
        for chore in self._chores:
            chore.start()

    def stop(self) -> None:
        """Stop the threads and leave: whatever this incarnation still holds is handed back."""
        for chore in self._chores:
            chore.stop(CHORE_STOP_S)
        self._heartbeat.stop(BEAT_STOP_S)
        try:
            self._ledger.leave(self._incarnation)
        except LedgerUnavailable as error:
            log.warning("worker.not_left", incarnation=self._incarnation, detail=error.detail)
