"""What waits, for whom, and who works on it: for metrics and for whoever starts and stops workers. Reads only."""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated
from jobs.ledger.health_calls import LOOKED_AT
from jobs.ledger.units import WorkerInfo
from jobs.ledger.worker_calls import to_worker
from jobs.model import ModelSpec

#: as jobs.lua counts them: a job's stage took at most so many seconds, or longer than the last
STAGE_BOUNDS_S = (1, 5, 15, 60, 300, 900, 3600, 14400)
STAGES = ("queued", "preparing", "transcribing", "finishing", "all")


@dataclass(frozen=True, slots=True)
class ModelFigures:
    """One model, revision and dtype; or a model that no worker has ever served, without these.

    Backlog and jobs by priority: seconds of audio yet to be transcribed, and the unfinished jobs that hold it.
    workers: the live ones that take work. speed: of one of them, in seconds of audio a second, on average; 0: unknown.
    """

    model: str
    revision: str | None = None
    dtype: str | None = None
    jobs: dict[str, int] = field(default_factory=dict)
    backlog_s: dict[str, float] = field(default_factory=dict)
    claimable_windows: int = 0
    workers: int = 0
    speed: float = 0.0

    def workers_wanted(self, target_s: float) -> int:
        """How many workers transcribe the backlog in that time; one, to measure its speed, where none is known."""
        left_s = sum(self.backlog_s.values())
        if left_s <= 0:
            return 1 if any(self.jobs.values()) else 0
        return math.ceil(left_s / (self.speed * target_s)) if self.speed else 1


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Of the jobs that succeeded: how many lie between each two bounds, the last without one, and their sum."""

    counts: tuple[int, ...]
    sum_s: float


@dataclass(frozen=True, slots=True)
class Figures:
    models: list[ModelFigures]
    workers: list[WorkerInfo]
    specs: dict[str, ModelSpec]
    cpu_units: int
    webhooks_pending: int
    stages: dict[str, StageFigures]


class FiguresCalls(Calls):
    def figures(self) -> Figures:
        """All of it at about one moment; takes longer the more jobs are unfinished (10 ms for some 10,000)."""
        cpu_units, infos, found = self._scripts.run("demand")
        workers = [to_worker(info) for info in infos]
        specs = {key.decode(): ModelSpec.from_json(spec) for key, spec, *_ in found}
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for key in specs:
                pipe.hgetall(keys.key("remaining", key=key))
                pipe.hgetall(keys.key("groups", key=key))
            pipe.hgetall(keys.key("stages"))
            pipe.zcard(keys.key("webhooks_due"))
            pipe.zrange(keys.key("unpinned"), 0, LOOKED_AT - 1)
            *of_models, stages, pending, unpinned = pipe.execute()
        pinned = [
            _model(specs[entry[0].decode()], int(entry[2]), remaining, groups, workers)
            for entry, remaining, groups in zip(found, of_models[::2], of_models[1::2], strict=True)
        ]
        return Figures(pinned + self._unserved(unpinned), workers, specs, cpu_units, pending, _stages(stages))

    def _unserved(self, job_ids: list[bytes]) -> list[ModelFigures]:
        """Models that jobs ask for and that no worker has announced, over the first of those jobs."""
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hmget(keys.key("job", job=job_id.decode()), "model", "priority", "expected_s")
            records = pipe.execute()
        found: dict[str, ModelFigures] = {}
        for model, priority, expected_s in records:
            if model is not None:
                figures = found.setdefault(model.decode(), ModelFigures(model.decode()))
                name = priority.decode()
                figures.jobs[name] = figures.jobs.get(name, 0) + 1
                figures.backlog_s[name] = figures.backlog_s.get(name, 0.0) + float(expected_s or 0)
        return list(found.values())


def _model(
    spec: ModelSpec,
    claimable: int,
    remaining: dict[bytes, bytes],
    groups: dict[bytes, bytes],
    workers: list[WorkerInfo],
) -> ModelFigures:
    jobs: Counter[str] = Counter()
    samples: defaultdict[str, int] = defaultdict(int)
    for job_id, group in groups.items():
        priority = group.decode().partition(":")[0]
        jobs[priority] += 1
        samples[priority] += int(remaining.get(job_id, 0))
    serving = [worker for worker in workers if spec.key in worker.model_keys and not worker.draining]
    speeds = [worker.speed for worker in serving if worker.speed > 0]
    return ModelFigures(
        model=spec.model,
        revision=spec.revision,
        dtype=spec.dtype,
        jobs=dict(jobs),
        backlog_s={priority: count / spec.sampling_rate_hz for priority, count in samples.items()},
        claimable_windows=claimable,
        workers=len(serving),
        speed=sum(speeds) / len(speeds) if speeds else 0.0,
    )


def _stages(found: dict[Any, Any]) -> dict[str, StageFigures]:
    counted = {name.decode(): int(value) for name, value in found.items()}
    return {
        stage: StageFigures(
            tuple(counted.get(f"{stage}:{n}", 0) for n in range(1, len(STAGE_BOUNDS_S) + 2)),
            counted.get(f"{stage}:ms", 0) / 1000,
        )
        for stage in STAGES
    }
