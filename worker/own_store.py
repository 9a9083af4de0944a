"""The store as a worker opens it: tried once, and held against the ledger, before any work."""

import time

import structlog

from jobs.errors import LedgerUnavailable, SetupError
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore, usable_store

log = structlog.get_logger()

#: a job that is just being deleted leaves the ledger within this time
LOOK_AGAIN_S = 1.0


def open_own_store(settings: Settings) -> AudioStore:
    """Raises SetupError for a store that will never do, StoreUnavailable for one that is away.

    One that holds no job at all while the ledger knows unfinished ones isn't the service's: all that this worker claims
    would look lost.
    """
    store = usable_store(settings.store)
    if _is_another(store, settings):
        time.sleep(LOOK_AGAIN_S)
        if _is_another(store, settings):
            raise SetupError(
                "there are unfinished jobs, and this worker's store holds none at all: it isn't the service's",
                remedy="Set TINGXIE_STORE_URL or TINGXIE_DATA_DIR as for the others, or use `tingxie join`.",
            )
    return store


def _is_another(store: AudioStore, settings: Settings) -> bool:
    """The ledger is asked first: a job is in the store before it is there."""
    return _has_unfinished_jobs(settings) and next(store.list("jobs/"), None) is None


def _has_unfinished_jobs(settings: Settings) -> bool:
    ledger = Ledger.connect(settings)
    try:
        return any(sum(model.jobs.values()) for model in ledger.figures().models)
    except LedgerUnavailable as error:
        log.warning("store.unproved", reason=error.type, detail=error.detail)
        return False
    finally:
        ledger.close()
