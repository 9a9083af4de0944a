"""One batch through the model: what comes out, what failed by itself, what was not run."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from jobs.errors import JobError, Problem, WindowCrashed
from jobs.ledger import WindowLease, WindowResult
from jobs.ledger.units import DeviceMemory
from jobs.model import ModelSpec
from jobs.script import Script, convert
from jobs.store import AudioStore
from worker.batching import BatchPlan
from worker.drain import Drain
from worker.forward import DeviceLost, ForwardInput, ForwardOutput, OutOfMemory
from worker.watchdog import EXIT_STATUS, Watchdog

log = structlog.get_logger()


class Model(Protocol):
    """What a transcribe worker needs of a model: `worker.model.LoadedModel`, or another for tests and measurements."""

    @property
    def spec(self) -> ModelSpec: ...

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        """One output for each window, in order. Raises OutOfMemory, DeviceLost, or anything else."""
        ...

    def save_tokenizer(self, store: AudioStore) -> None: ...

    def memory(self) -> DeviceMemory:
        """Of its device; any thread may ask."""
        ...


@dataclass(slots=True)
class Outcome:
    """failed: ran alone and raised. left: not run, since this process is to end."""

    results: list[WindowResult] = field(default_factory=list)
    failed: list[tuple[WindowLease, Problem]] = field(default_factory=list)
    left: list[WindowLease] = field(default_factory=list)


class Forwarder:
    """Runs batches, one at a time: the caller holds the device's lock."""

    def __init__(
        self,
        model: Model,
        plan: BatchPlan,
        watchdog: Watchdog,
        drain: Drain,
        *,
        end_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._model = model
        self._plan = plan
        self._watchdog = watchdog
        self._drain = drain
        self._end_process = end_process

    def run(self, batch: list[ForwardInput]) -> Outcome:
        """Every window ends up in the outcome. A device that is lost ends the process instead."""
        outcome = Outcome()
        self._attempt(batch, outcome)
        return outcome

    def _attempt(self, batch: list[ForwardInput], outcome: Outcome) -> None:
        try:
            outputs = self._forward(batch)
        except DeviceLost as error:
            log.critical("device.lost", detail=error.detail, windows=_names(batch))
            self._end_process(EXIT_STATUS)
            raise
        except (OutOfMemory, MemoryError) as error:
            self._halve(batch, error, outcome)
        except Exception as error:  # a forward raises what it likes
            log.exception("forward.failed", windows=_names(batch))
            self._one_by_one(batch, error, outcome)
        else:
            outcome.results += [
                WindowResult(each.lease, output.payload, _spelled(output.text, each.lease.script))
                for each, output in zip(batch, outputs, strict=True)
            ]

    def _forward(self, batch: list[ForwardInput]) -> list[ForwardOutput]:
        with self._watchdog.watching(windows=_names(batch)):
            began = time.monotonic()
            outputs = self._model.forward(batch)
            seconds = time.monotonic() - began
        windows = [each.lease.window for each in batch]
        self._plan.ran(
            samples=sum(window.samples for window in windows),
            kept_samples=sum(window.cut_stop - window.cut_start for window in windows),
            seconds=seconds,
            windows=len(windows),
        )
        return outputs

    def _halve(self, batch: list[ForwardInput], error: Exception, outcome: Outcome) -> None:
        log.warning("forward.out_of_memory", windows=_names(batch), detail=str(error))
        self._plan.out_of_memory(sum(each.lease.window.samples for each in batch))
        if len(batch) == 1:
            outcome.failed.append((batch[0].lease, _problem(batch[0], error)))
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            self._again(half, outcome)

    def _one_by_one(self, batch: list[ForwardInput], error: Exception, outcome: Outcome) -> None:
        """Find the window whose fault it is; the others must not suffer for it."""
        if len(batch) == 1:
            outcome.failed.append((batch[0].lease, _problem(batch[0], error)))
            return
        for each in batch:
            self._again([each], outcome)

    def _again(self, part: list[ForwardInput], outcome: Outcome) -> None:
        if self._drain.requested:
            outcome.left += [each.lease for each in part]
        else:
            self._attempt(part, outcome)


def _spelled(text: str, script: Script | None) -> str:
    """The window's own text as the job wants it, for the partial text; finish converts the whole with more context."""
    return text if script is None else convert(text, script)


def _problem(window: ForwardInput, error: Exception) -> Problem:
    """What the job fails with, should this go on: its own fault if the model says so, else a crash."""
    if isinstance(error, JobError):
        return Problem.of(error)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return Problem.of(WindowCrashed(f"Window {window.lease.window.index} could not be transcribed: {what}"))


def _names(batch: list[ForwardInput]) -> list[str]:
    return [f"{each.lease.job_id}:{each.lease.window.index}" for each in batch]
