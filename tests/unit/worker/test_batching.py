"""How large a batch may be."""

import time

import pytest

from jobs.settings import Settings
from worker.batching import BatchLimit, BatchPlan

RATE_HZ = 16_000


def plan() -> BatchPlan:
    return BatchPlan(Settings(batch_compute_s=2.0, batch_windows=32), RATE_HZ)


def test_the_first_batch_is_one_window() -> None:
    assert (plan().limit.windows, plan().limit.samples) == (1, 1)
    assert plan().speed == 0


def test_a_batch_is_what_two_seconds_can_compute() -> None:
    measured = plan()
    measured.ran(samples=20 * RATE_HZ, kept_samples=19 * RATE_HZ, seconds=0.25)
    assert measured.limit.windows == 32
    assert measured.limit.samples == 160 * RATE_HZ
    assert measured.speed == 76.0


@pytest.mark.parametrize(
    ("seconds", "windows", "samples_s"),
    [(0.4, 32, 100.0), (0.6, 4, 120.0), (2.4, 4, 120.0), (2.6, 2, 60.0), (4.9, 2, 60.0), (6.25, 32, 6.4)],
    ids=["as many as fit", "four", "four that take longer", "two", "two that take longer", "none for so long"],
)
def test_a_few_windows_may_take_longer(seconds: float, windows: int, samples_s: float) -> None:
    measured = plan()
    measured.ran(samples=20 * RATE_HZ, kept_samples=19 * RATE_HZ, seconds=seconds)
    assert measured.limit == BatchLimit(windows, int(samples_s * RATE_HZ))


def test_an_idle_device_gets_a_small_batch_first() -> None:
    measured = plan()
    measured.ran(samples=20 * RATE_HZ, kept_samples=19 * RATE_HZ, seconds=0.1)
    assert measured.first_limit.samples == measured.limit.samples // 10
    assert plan().first_limit == plan().limit


def test_a_slow_first_batch_is_soon_forgotten() -> None:
    measured = plan()
    measured.ran(samples=RATE_HZ, kept_samples=RATE_HZ, seconds=1.0)  # everything cold
    for _ in range(10):
        measured.ran(samples=10 * RATE_HZ, kept_samples=10 * RATE_HZ, seconds=1.0)
    assert 9.5 < measured.speed <= 10


def test_the_speed_is_what_is_delivered_while_there_is_work(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    measured = plan()

    def run(after_s: float) -> None:
        clock[0] += after_s
        measured.ran(samples=10 * RATE_HZ, kept_samples=10 * RATE_HZ, seconds=1.0, windows=10)

    for _ in range(20):
        run(after_s=1.25)  # a quarter of a second to load and to claim
    assert measured.speed == pytest.approx(8.0, rel=0.01)
    assert measured.limit.samples == pytest.approx(20 * RATE_HZ)  # a batch's compute is something else
    measured.idled()
    run(after_s=1000.0)
    assert 8.0 < measured.speed <= 10.0


def test_what_ran_out_of_memory_limits_all_that_follow() -> None:
    measured = plan()
    measured.ran(samples=1000 * RATE_HZ, kept_samples=1000 * RATE_HZ, seconds=1.0)
    measured.out_of_memory(600 * RATE_HZ)
    measured.ran(samples=300 * RATE_HZ, kept_samples=300 * RATE_HZ, seconds=0.3)
    assert measured.limit.samples == 300 * RATE_HZ


def test_compute_is_predicted_from_what_was_measured() -> None:
    measured = plan()
    assert measured.expected_s(100) == 0
    measured.ran(samples=100, kept_samples=90, seconds=1.0)
    assert measured.expected_s(50) == 0.5


def test_a_batch_is_claimed_as_early_as_loading_needs() -> None:
    measured = plan()
    at_least = measured.lead_s
    measured.fetched(1.0)
    assert measured.lead_s == at_least + 2.0
    for _ in range(20):
        measured.fetched(0.01)
    assert measured.lead_s < at_least + 0.1
