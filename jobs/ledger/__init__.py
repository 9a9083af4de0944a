"""The ledger: every job, unit, window, lease and worker, in Redis. The truth that hints only point at."""

from jobs.ledger.event_calls import Event, Happened, LedgerNews
from jobs.ledger.ledger import Ledger
from jobs.ledger.units import (
    Caps,
    Committed,
    Demand,
    Entered,
    FinishUnit,
    ModelDemand,
    PrepareUnit,
    Refused,
    WindowLease,
    WindowResult,
    WorkerInfo,
)

__all__ = [
    "Caps",
    "Committed",
    "Demand",
    "Entered",
    "Event",
    "FinishUnit",
    "Happened",
    "Ledger",
    "LedgerNews",
    "ModelDemand",
    "PrepareUnit",
    "Refused",
    "WindowLease",
    "WindowResult",
    "WorkerInfo",
]
