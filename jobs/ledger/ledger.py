"""The ledger's calls, joined. Every transition is one Lua script: idempotent, fenced, refused once the job is terminal.

Redis's clock is the only one. Every call raises LedgerUnavailable where Redis can't be reached, and may be repeated
after that: what it does, it does once.
"""

from jobs.ledger.attempt_calls import AttemptCalls
from jobs.ledger.attending_calls import AttendingCalls
from jobs.ledger.batch_calls import BatchCalls
from jobs.ledger.connection import close, connect
from jobs.ledger.cpu_calls import CpuCalls
from jobs.ledger.event_calls import EventCalls
from jobs.ledger.figures_calls import FiguresCalls
from jobs.ledger.health_calls import HealthCalls
from jobs.ledger.job_calls import JobCalls
from jobs.ledger.key_calls import KeyCalls
from jobs.ledger.lock_calls import LockCalls
from jobs.ledger.lookout_calls import LookoutCalls
from jobs.ledger.upkeep_calls import UpkeepCalls
from jobs.ledger.webhook_calls import WebhookCalls
from jobs.ledger.window_calls import WindowCalls
from jobs.settings import Settings


class Ledger(
    JobCalls,
    CpuCalls,
    WindowCalls,
    UpkeepCalls,
    HealthCalls,
    FiguresCalls,
    LookoutCalls,
    KeyCalls,
    LockCalls,
    EventCalls,
    AttendingCalls,
    WebhookCalls,
    BatchCalls,
    AttemptCalls,
):
    """One client of the ledger; threads may share it, and a forked child may go on using it."""

    @classmethod
    def connect(cls, settings: Settings, *, in_haste: bool = False) -> "Ledger":
        """A ledger on the Redis of the settings; doesn't connect yet. in_haste: somebody waits for each answer."""
        return cls(connect(settings.redis, in_haste=in_haste), settings)

    def close(self) -> None:
        """Close the connections; the next call opens them again."""
        close(self._redis)
