"""The front end comes round for the dead too: when all workers start again at once, nobody else would for a while."""

import threading

import structlog

from jobs.errors import Unavailable
from jobs.ledger import Ledger
from jobs.reaper import Reaper
from jobs.settings import Settings

log = structlog.get_logger()


def start_reaping(ledger: Ledger, settings: Settings, stopping: threading.Event) -> None:
    """In a thread of its own, every reconcile_s until `stopping`."""
    reaper = Reaper(ledger, settings)

    def run() -> None:
        while not stopping.wait(settings.reconcile_s):
            try:
                reaper.reap()
            except Unavailable:  # requests say so, and the workers' logs
                reaper.was_away()
            except Exception:
                log.exception("reaping.failed")

    threading.Thread(target=run, name="reaping", daemon=True).start()
