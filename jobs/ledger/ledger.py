"""The ledger's calls. Every transition is one Lua script: idempotent, fenced, refused once the job is terminal.

Redis's clock is the only one. Every call raises LedgerUnavailable where Redis can't be reached.
"""

from redis import Redis

from jobs.errors import Problem
from jobs.job import Job, JobRequest
from jobs.ledger.units import (
    Committed,
    Demand,
    FinishUnit,
    PrepareUnit,
    WindowLease,
    WindowResult,
    WorkerInfo,
)
from jobs.model import ModelSpec
from jobs.settings import Settings
from jobs.window import Window


class Ledger:
    def __init__(self, redis: "Redis[bytes]", settings: Settings) -> None: ...

    @classmethod
    def connect(cls, settings: Settings) -> "Ledger":
        """A ledger on the Redis of the settings; doesn't connect yet."""

    def now(self) -> float:
        """Redis's clock, seconds since the epoch. Also the cheapest reachability check."""

    # ---- what web calls
    def create(self, request: JobRequest) -> bool:
        """Enter an accepted job, queued. False if it was there already (a retry of an ambiguous reply)."""

    def job(self, job_id: str) -> Job:
        """The record a client polls, partial_text and queue figures included. Raises JobNotFound."""

    def jobs(self, owner: str, *, limit: int = 50, cursor: str = "", state: str = "") -> tuple[list[Job], str]:
        """One owner's jobs, newest first, and the cursor of the next page ('' at the end)."""

    def cancel(self, job_id: str) -> Job:
        """cancelled at once; absorbing. A job that already ended is returned as it is. Raises JobNotFound."""

    def delete(self, job_id: str) -> None:
        """Cancel if it runs, then forget the job: its id is unknown from now on; the sweep removes its objects."""

    def models(self) -> list[tuple[ModelSpec, int]]:
        """Every announced model, with the number of live workers that serve it now."""

    def workers(self) -> list[WorkerInfo]:
        """The live ones."""

    # ---- what workers call about themselves
    def announce(self, spec: ModelSpec) -> None:
        """A worker serves this model: pins waiting jobs that ask for it. Repeatable."""

    def beat(self, worker: WorkerInfo) -> None:
        """Renew every lease of this incarnation for lease_s."""

    def leave(self, incarnation: str) -> None:
        """Drain ended: hand back whatever the incarnation still holds; counts for nothing."""

    # ---- CPU units
    def claim_prepare(self, incarnation: str, claim_id: str) -> PrepareUnit | None:
        """The shortest waiting job (aged, by priority); sets the job running. Repeating a claim_id repeats the answer."""

    def start(self, incarnation: str, units: list[WindowLease] | PrepareUnit | FinishUnit) -> None:
        """The process is about to run these: if it dies now, they are to be suspected."""

    def register(self, unit: PrepareUnit, windows: list[Window], *, decoded_s: float, duration_s: float | None) -> int:
        """Make windows claimable. Refused unless each starts where the last ended. duration_s: best estimate so far.

        Returns how many of the job's windows now wait unclaimed: prepare parks when they are many.
        """

    def yield_prepare(self, unit: PrepareUnit, *, parked: bool) -> None:
        """Give the unit up for others; parked: not claimable again before the job's waiting windows run low."""

    def prepared(self, unit: PrepareUnit, *, total_samples: int, warnings: list[dict[str, str]]) -> None:
        """All windows are registered and cover total_samples (else refused). May complete the job."""

    def claim_finish(self, incarnation: str, claim_id: str) -> FinishUnit | None: ...

    def results(self, job_id: str) -> list[tuple[Window, bytes]]:
        """Every window's packed tokens in order, for finish."""

    def finished(self, unit: FinishUnit, *, warnings: list[dict[str, str]]) -> None:
        """The transcript is in the store: succeeded. Refused if fenced or terminal."""

    # ---- windows
    def claim_windows(
        self, incarnation: str, claim_id: str, model_key: str, *, max_windows: int, max_samples: int
    ) -> list[WindowLease]:
        """Up to a batch of windows over all jobs of a model, by fairness: priority, owner, job in turn; one at least."""

    def commit(self, incarnation: str, results: list[WindowResult]) -> Committed: ...

    def hand_back(self, incarnation: str, units: list[WindowLease]) -> None:
        """Not run, or run without a result through no fault of theirs: claimable again, counts for nothing."""

    def fail_window(self, incarnation: str, lease: WindowLease, problem: Problem, *, alone: bool) -> None:
        """A forward raised. In company: each becomes suspect. Alone: counts as a death, the last of which fails the job."""

    def window_missing(self, incarnation: str, lease: WindowLease) -> None:
        """Its object is not in the store: prepare writes it again (repair), or fails the job."""

    # ---- both
    def fail_job(self, unit: PrepareUnit | FinishUnit, problem: Problem) -> None:
        """This job can't succeed: failed with the problem. Fenced."""

    # ---- what the reconciler calls
    def reap(self) -> int:
        """Return the units of incarnations whose lease lapsed; fail what died too often; returns lapsed incarnations."""

    def demand(self) -> Demand: ...

    def expire_waiting(self, timeout_s: float) -> int:
        """Fail jobs whose model nobody has served for that long."""

    def reconcile_lock(self, incarnation: str, ttl_s: float) -> bool: ...
