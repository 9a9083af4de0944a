"""Returns what the dead held; not at once after an outage, when the living look dead too."""

import time

from jobs.ledger import Ledger
from jobs.settings import Settings

#: after an outage of Redis, workers need so many heartbeats to show that they live
BEATS_AFTER_OUTAGE = 1.5


class Reaper:
    """Of one process: workers and front ends each run one. Any number of them may."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._pause_s = BEATS_AFTER_OUTAGE * settings.heartbeat_s
        self._from = 0.0

    def reap(self) -> None:
        """One round. Raises LedgerUnavailable; say so by `was_away`."""
        if time.monotonic() >= self._from:
            self._ledger.reap()

    def was_away(self) -> None:
        """Redis could not be reached: all leases may look lapsed though their holders could not reach it either."""
        self._from = time.monotonic() + self._pause_s
