"""Lanes: as many batches at once as there are cores, each in a thread of its own, and what they make in order."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from jobs.settings import Settings
from tests.equality.random_models import sound
from tests.unit.model.inputs import load, make_input
from worker.families.ctc import CtcFamily
from worker.families.lanes import MOST_LANES, Lanes, are_even
from worker.model import load_model

WAIT_S = 30.0


@pytest.fixture
def own_threads() -> Iterator[None]:
    """The number of torch's threads is as before afterwards."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_they_run_at_once_and_answer_in_order() -> None:
    meeting = threading.Barrier(3)

    def work(number: int) -> tuple[int, int]:
        meeting.wait(WAIT_S)  # nobody passes before three are there
        return number, torch.get_num_threads()

    assert Lanes(7).run(work, [3, 1, 2]) == [(3, 2), (1, 2), (2, 2)]


@pytest.mark.parametrize(("cores", "given"), [(1, [1, 2]), (4, [1]), (4, [])])
def test_one_lane_is_the_callers_own_thread(cores: int, given: list[int]) -> None:
    before = torch.get_num_threads()
    assert Lanes(cores).run(lambda _: threading.get_ident(), given) == [threading.get_ident()] * len(given)
    assert torch.get_num_threads() == before


def test_there_may_be_fewer() -> None:
    at_once, most = [], []

    def work(number: int) -> int:
        at_once.append(number)
        most.append(len(at_once))
        threading.Event().wait(0.02)
        at_once.remove(number)
        return torch.get_num_threads()

    assert Lanes(6).run(work, list(range(9)), most=3) == [2] * 9
    assert max(most) <= 3


@pytest.mark.parametrize(
    ("loads", "lanes", "expected"),
    [
        ([20, 19], 2, True),
        ([20, 15], 2, False),
        ([20, 15, 20, 15], 2, True),
        ([20, 15, 15, 20], 2, False),
        ([20, 10, 10], 2, True),
        ([20, 20, 20], 2, False),
        ([20, 15], 1, True),
        ([20], 4, True),
        ([], 4, True),
    ],
)
def test_lanes_that_would_wait_for_another_are_not_even(loads: list[float], lanes: int, expected: bool) -> None:
    assert are_even(loads, lanes) is expected


@pytest.mark.usefixtures("own_threads")
def test_uneven_windows_share_all_cores(layer_folder: Path) -> None:
    family = load_model(Settings(model=str(layer_folder), device="cpu", dtype="float32", model_threads=4)).family
    assert isinstance(family, CtcFamily)
    threads: list[tuple[int, int]] = []

    def work(windows: list[int]) -> list[int]:
        threads.append((len(windows), torch.get_num_threads()))
        return windows

    assert family.in_lanes(work, [1, 2, 3, 4], [320_000, 210_000, 320_000, 210_000]) == [1, 2, 3, 4]
    assert sorted(threads) == [(2, 2), (2, 2)]
    threads.clear()
    assert family.in_lanes(work, [1, 2], [320_000, 210_000]) == [1, 2]
    assert threads == [(2, 4)]
    threads.clear()
    assert family.in_lanes(work, [1, 2], [320_000, 310_000]) == [1, 2]
    assert threads == [(1, 2), (1, 2)]


def test_there_are_not_more_than_memory_holds() -> None:
    assert Lanes(100).count == MOST_LANES


def test_an_error_is_raised_once_all_have_ended() -> None:
    ended: list[int] = []
    first_failed = threading.Event()

    def work(number: int) -> None:
        if number == 0:
            first_failed.set()
            raise MemoryError("the first")
        first_failed.wait(WAIT_S)
        ended.append(number)

    with pytest.raises(MemoryError, match="the first"):
        Lanes(3).run(work, [0, 1, 2, 3, 4])
    assert sorted(ended) == [1, 2, 3, 4]


@pytest.mark.usefixtures("own_threads")
@pytest.mark.parametrize("norm", ["layer", "group"])
def test_windows_say_the_same_in_lanes(norm: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(f"{norm}_folder")
    windows = [make_input(sound(1 + number % 5, seed=number)) for number in range(40)]
    usual = Settings(model=str(folder), device="cpu", dtype="float32", model_threads=4)
    model = load_model(usual)
    assert isinstance(model.family, CtcFamily)
    assert model.family.lanes.count == 4
    assert len(model.family.network.batches([len(each.samples) for each in windows], equal_only=False, lanes=4)) == 4
    alone = load(folder)
    assert alone.family.lanes.count == 1
    right = [alone.forward([window])[0].text for window in windows]
    for _ in range(3):
        assert [each.text for each in model.forward(windows)] == right
