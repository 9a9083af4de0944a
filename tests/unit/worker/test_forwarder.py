"""One batch through a model that raises in every way it can."""

from collections.abc import Callable

import numpy as np
import pytest

from jobs.errors import LanguageUnknown
from jobs.ledger import WindowLease
from jobs.settings import Settings
from jobs.window import Window
from tests.support.fake_model import FakeModel
from worker.batching import BatchPlan
from worker.drain import Drain
from worker.forward import DeviceLost, ForwardInput, OutOfMemory
from worker.forwarder import Forwarder
from worker.watchdog import EXIT_STATUS, Watchdog

RATE_HZ = 16_000
#: each window lasts two seconds
SAMPLES = 32_000

Fault = Callable[[list[ForwardInput]], None]


def window(index: int) -> ForwardInput:
    lease = WindowLease("job", Window(index, 0, SAMPLES, 0, 0), index + 1, False, None, "transcribe", "segment")
    return ForwardInput(lease, np.full(SAMPLES, 0.1 * (index % 9), np.float32))


class Bench:
    """A forwarder around a fake model; `batches` are the sizes of what the model was given."""

    def __init__(self, fault: Fault) -> None:
        self.batches: list[int] = []
        self.ended: list[int] = []
        self.drain = Drain()
        self.plan = BatchPlan(Settings(), RATE_HZ)

        def before(windows: list[ForwardInput]) -> None:
            self.batches.append(len(windows))
            fault(windows)

        watchdog = Watchdog("forward.hung", 60.0)
        self.forwarder = Forwarder(FakeModel(before), self.plan, watchdog, self.drain, end_process=self.ended.append)


def indexes(leases: list[WindowLease]) -> list[int]:
    return [lease.window.index for lease in leases]


def test_outputs_come_in_order() -> None:
    bench = Bench(lambda _: None)
    outcome = bench.forwarder.run([window(index) for index in range(3)])
    assert indexes([result.lease for result in outcome.results]) == [0, 1, 2]
    assert [result.text for result in outcome.results] == ["", "零", "一"]
    assert bench.plan.speed > 0


def test_out_of_memory_runs_the_halves_and_remembers() -> None:
    def holds_two(windows: list[ForwardInput]) -> None:
        if len(windows) > 2:
            raise OutOfMemory("too many")

    bench = Bench(holds_two)
    outcome = bench.forwarder.run([window(index) for index in range(8)])
    assert indexes([result.lease for result in outcome.results]) == list(range(8))
    assert bench.batches == [8, 4, 2, 2, 4, 2, 2]
    assert bench.plan.limit.samples == 2 * SAMPLES


def test_a_window_that_fits_nowhere_fails() -> None:
    def holds_none(_: list[ForwardInput]) -> None:
        raise MemoryError

    outcome = Bench(holds_none).forwarder.run([window(0), window(1)])
    assert [(lease.window.index, problem.type) for lease, problem in outcome.failed] == [
        (0, "window-crashed"),
        (1, "window-crashed"),
    ]


def test_an_error_is_pinned_on_the_window_whose_fault_it_is() -> None:
    def dislikes_two(windows: list[ForwardInput]) -> None:
        if any(each.lease.window.index == 2 for each in windows):
            raise ValueError("not this one")

    outcome = Bench(dislikes_two).forwarder.run([window(index) for index in range(4)])
    assert indexes([result.lease for result in outcome.results]) == [0, 1, 3]
    [(lease, problem)] = outcome.failed
    assert lease.window.index == 2
    assert "ValueError: not this one" in problem.detail


def test_an_error_of_the_job_is_its_problem() -> None:
    def knows_no_klingon(_: list[ForwardInput]) -> None:
        raise LanguageUnknown("tlh")

    [(_, problem)] = Bench(knows_no_klingon).forwarder.run([window(0)]).failed
    assert problem.type == LanguageUnknown.type


def test_a_drain_leaves_what_has_not_run() -> None:
    def raise_and_drain(_: list[ForwardInput]) -> None:
        bench.drain.request()
        raise ValueError

    bench = Bench(raise_and_drain)
    outcome = bench.forwarder.run([window(0), window(1)])
    assert indexes(outcome.left) == [0, 1]
    assert not outcome.failed


def test_a_lost_device_ends_the_process() -> None:
    def lose(_: list[ForwardInput]) -> None:
        raise DeviceLost("an illegal memory access")

    bench = Bench(lose)
    with pytest.raises(DeviceLost):
        bench.forwarder.run([window(0), window(1)])
    assert bench.ended == [EXIT_STATUS]
