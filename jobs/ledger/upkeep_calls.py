"""What the reconciler does: return lapsed units, weigh work against workers, expire what nobody serves; counters."""

import uuid

import structlog

from jobs.errors import FinishCrashed, ModelNotServed, PrepareCrashed, Problem, WindowCrashed
from jobs.ledger import keys
from jobs.ledger.calls import COUNTED_S
from jobs.ledger.connection import translated
from jobs.ledger.cpu_calls import problem_text
from jobs.ledger.units import Demand, ModelDemand, WorkerInfo
from jobs.ledger.worker_calls import WorkerCalls, to_worker
from jobs.model import ModelSpec

log = structlog.get_logger()

ENDINGS = ("succeeded", "failed", "cancelled")
OUTCOMES = ("delivered", "retry", "failed", "disabled")
COUNTERS = ["committed", "redone", "lapsed", "fenced", "suspects", "hints", "created", *ENDINGS]
COUNTERS += [f"webhook_{outcome}" for outcome in OUTCOMES]


class UpkeepCalls(WorkerCalls):
    def reap(self) -> int:
        """Return the units of incarnations whose lease lapsed; fail what died too often; returns lapsed incarnations.

        A unit counts a death if it was started: a window only once it is a suspect and so ran alone. Call it every
        second or so: after a gap of half a lease nobody is taken for dead until another half has passed, since Redis
        was away for the living too. After a restart of Redis, which may have lost its last second, everything held
        comes back, without blame.
        """
        crashes = (PrepareCrashed(), WindowCrashed(), FinishCrashed())
        problems = [problem_text(Problem.of(error)) for error in crashes]
        deaths, lease_s = self._settings.max_deaths, self._settings.lease_s
        lapsed, failed, restarted = self._scripts.run("reap", deaths, *problems, repr(lease_s))
        if restarted:
            log.warning("ledger.redis_restarted", detail="all leases are taken back; what is in hand runs again")
        for incarnation in lapsed:
            log.warning("worker.lapsed", incarnation=incarnation.decode())
        for unit in failed:
            kind, job_id, *index = unit.decode().split(":")
            log.error("job.failed", job_id=job_id, unit=kind, index=index[0] if index else None, why="died too often")
        return len(lapsed)

    def demand(self) -> Demand:
        """Claimable work and free capacity, of CPU units and of each announced model."""
        cpu_units, infos, models = self._scripts.run("demand")
        workers = [worker for worker in map(to_worker, infos) if not worker.draining]
        idle_cpu = sum(worker.idle_slots for worker in workers if worker.kind == "cpu")
        return Demand(cpu_units, idle_cpu, [_model_demand(found, workers) for found in models])

    def expire_waiting(self, timeout_s: float) -> int:
        """Fail jobs whose model nobody has served for that long; a complete job, which only needs finish, isn't."""
        served = sorted({spec.model for spec, live in self.models() if live})
        error = ModelNotServed()
        expired = self._scripts.run(
            "expire_waiting", repr(timeout_s), problem_text(Problem.of(error)), ", ".join(served) or "none"
        )
        for job_id in expired:
            log.error("job.failed", job_id=job_id.decode(), why=error.type)
        return len(expired)

    def wake_resting(self) -> int:
        """Make prepares claimable that have rested long enough; returns how many."""
        return int(self._scripts.run("wake_resting"))

    def reconcile_lock(self, incarnation: str, ttl_s: float) -> bool:
        """Whether the caller may reconcile for the next ttl_s; who holds the lock keeps it by asking again."""
        return bool(self._scripts.run("reconcile_lock", incarnation, round(ttl_s * 1000)))

    def count_hints(self, sent: int) -> None:
        """Add to the counter of hints sent."""
        self._scripts.run("count", uuid.uuid4().hex, "hints", sent, COUNTED_S)

    def counters(self) -> dict[str, int]:
        """Since the ledger began, each by its name in COUNTERS (docs in keys.py)."""
        with translated():
            values = self._redis.hmget(keys.key("counters"), COUNTERS)
        return {name: int(value or 0) for name, value in zip(COUNTERS, values, strict=True)}


def _model_demand(found: tuple[bytes, bytes, bytes, bytes], workers: list[WorkerInfo]) -> ModelDemand:
    key, spec, claimable, backlog = found
    model_key = key.decode()
    serving = [worker for worker in workers if model_key in worker.model_keys]
    return ModelDemand(
        model_key=model_key,
        claimable_windows=int(claimable),
        idle_slots=sum(worker.idle_slots for worker in serving),
        backlog_s=int(backlog) / ModelSpec.from_json(spec).sampling_rate_hz,
        speed=sum(worker.speed for worker in serving),
    )
