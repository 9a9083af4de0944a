"""The two CPU units of a job, prepare and finish: claim, report, give back."""

import json
from collections.abc import Collection
from typing import Any

import structlog

from jobs.errors import PrepareCrashed, Problem, WindowGone
from jobs.job import FORMAT, JobRequest
from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated
from jobs.ledger.units import FinishUnit, PrepareUnit, Refused, WindowLease
from jobs.model import ModelSpec
from jobs.window import Window

log = structlog.get_logger()

#: why a file fails whose windows are refused again and again
UNSTEADY = "decoding it gave other windows each time"


class CpuCalls(Calls):
    def claim_prepare(self, incarnation: str, claim_id: str) -> PrepareUnit | None:
        """The shortest waiting job (aged, by priority), set running. Repeating a claim_id repeats the answer."""
        answer = self._claim("claim_prepare", incarnation, claim_id)
        if answer is None:
            return None
        return PrepareUnit(
            job_id=answer["job"],
            fence=int(answer["fence"]),
            request=JobRequest.model_validate_json(answer["request"]),
            spec=ModelSpec.from_json(answer["spec"]),
            registered=int(answer["registered"]),
            registered_stop=int(answer["registered_stop"]),
            slices=answer["slices"],
            repair=answer["repair"],
        )

    def claim_finish(self, incarnation: str, claim_id: str) -> FinishUnit | None:
        """The complete job that waits longest. Repeating a claim_id repeats the answer."""
        answer = self._claim("claim_finish", incarnation, claim_id)
        if answer is None:
            return None
        return FinishUnit(
            job_id=answer["job"],
            fence=int(answer["fence"]),
            request=JobRequest.model_validate_json(answer["request"]),
            spec=ModelSpec.from_json(answer["spec"]),
            total_samples=int(answer["total"]),
            copy_of=answer.get("copy_of"),
            channels=int(answer["channels"]),
        )

    def start(
        self, incarnation: str, units: list[WindowLease] | PrepareUnit | FinishUnit, *, expected_s: float = 0.0
    ) -> list[bool]:
        """The process is about to run these: if it dies now, they are to be suspected.

        expected_s: how long a batch of windows will take (0: unknown); what polls predict counts down in that time.

        Says of each whether it is still the caller's; one that isn't (lapsed, its job ended) needn't be run.
        """
        listed = units if isinstance(units, list) else [units]
        arguments = [part for unit in listed for part in _unit_arguments(unit)]
        return [bool(held) for held in self._scripts.run("start", incarnation, repr(expected_s), *arguments)]

    def register(
        self,
        unit: PrepareUnit,
        windows: list[Window],
        *,
        silent: Collection[int] = (),
        decoded_s: float,
        duration_s: float | None,
        channels: int = 1,
    ) -> int:
        """Make windows claimable. Refused unless each starts where the last ended; the same ones again change nothing.

        silent: indexes of those that are left out on purpose: done at once, with an empty result.

        Who is refused, here or elsewhere, holds the unit no more.

        decoded_s: how far decoding has got. duration_s: best estimate of the whole so far. channels: how many lie one
        after another on the timeline; both lengths are the timeline's.
        Returns how many of the job's windows now wait unclaimed: prepare parks when they are many.
        """
        answer = self._scripts.run(
            "register",
            unit.job_id,
            unit.fence,
            repr(decoded_s),
            "" if duration_s is None else repr(duration_s),
            channels,
            self._settings.max_deaths,
            problem_text(Problem.of(PrepareCrashed(UNSTEADY))),
            *(part for window in windows for part in (window.index, window.encode(), int(window.index in silent))),
        )
        return int(answer)

    def yield_prepare(self, unit: PrepareUnit, *, parked: bool, rest_s: float = 0.0) -> None:
        """Give the unit up for others; parked: not claimable again before the job's waiting windows run low.

        That is, fewer than half of prepare_ahead_windows. With rest_s it is the time that must pass (`wake_resting`).
        """
        wake_below = self._settings.prepare_ahead_windows / 2
        self._scripts.run("yield_prepare", unit.job_id, unit.fence, int(parked), wake_below, repr(rest_s))

    def prepared(self, unit: PrepareUnit, *, total_samples: int, warnings: list[dict[str, str]]) -> bool:
        """All windows are registered and cover total_samples (else refused). True if that completes the job."""
        answer = self._scripts.run(
            "prepared",
            unit.job_id,
            unit.fence,
            total_samples,
            json.dumps(warnings, ensure_ascii=False),
            self._settings.max_deaths,
            problem_text(Problem.of(WindowGone())),
            problem_text(Problem.of(PrepareCrashed(UNSTEADY))),
        )
        return bool(answer)

    def results(self, job_id: str) -> list[tuple[Window, bytes]]:
        """Every window's packed tokens in order, for finish; nothing for what was left out as silent.

        Raises Refused where the job has ended meanwhile.
        """
        with translated(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hget(keys.key("job", job=job_id), "finish")
            pipeline.hgetall(keys.key("windows", job=job_id))
            pipeline.hgetall(keys.key("results", job=job_id))
            finish, windows, results = pipeline.execute()
        if finish is None:
            raise Refused(f"{job_id} has ended or isn't complete")
        indexes = sorted(int(index) for index in windows)
        return [
            (Window.decode(index, windows[b"%d" % index].decode()), results[b"%d" % index].partition(b":")[2])
            for index in indexes
        ]

    def finished(self, unit: FinishUnit, *, warnings: list[dict[str, str]]) -> None:
        """The transcript is in the store: succeeded. Refused if fenced, terminal, or if audio is missing."""
        self._scripts.run("finished", unit.job_id, unit.fence, json.dumps(warnings, ensure_ascii=False))

    def transcript_gone(self, unit: FinishUnit) -> None:
        """The transcript that this unit was to copy isn't in the store any more: its job is worked on by itself."""
        self._scripts.run("transcript_gone", unit.job_id, unit.fence)

    def fail_job(self, unit: PrepareUnit | FinishUnit, problem: Problem) -> None:
        """This job can't succeed: failed with the problem. Fenced."""
        self._scripts.run("fail_job", _kind(unit), unit.job_id, unit.fence, problem_text(problem))

    def _claim(self, script: str, incarnation: str, claim_id: str) -> dict[str, Any] | None:
        answer = self._scripts.run(script, incarnation, claim_id, repr(self._settings.lease_s), FORMAT)
        found: dict[str, Any] = json.loads(answer) if answer else {}
        if "newer" in found:
            log.warning("unit.of_newer_version", job_id=found["newer"], script=script, knows=FORMAT)
            return None
        return found or None


def problem_text(problem: Problem) -> str:
    """A problem as the record keeps it."""
    return json.dumps(problem.as_dict(), ensure_ascii=False)


def _kind(unit: PrepareUnit | FinishUnit) -> str:
    return "prepare" if isinstance(unit, PrepareUnit) else "finish"


def _unit_arguments(unit: WindowLease | PrepareUnit | FinishUnit) -> tuple[str, str, str | int, int]:
    if isinstance(unit, WindowLease):
        return "window", unit.job_id, unit.window.index, unit.fence
    return _kind(unit), unit.job_id, "", unit.fence
