"""Runs: nothing is lost on the way to the ledger and back, and seams leave no trace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.runs import Runs

frames = st.lists(st.tuples(st.integers(0, 5), st.integers(1, 400)), max_size=40)


def of(stretches: list[tuple[int, int]], seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame ids, confidences and what is heard for (id, length) stretches."""
    ids = np.repeat([token for token, _ in stretches], [length for _, length in stretches]).astype(np.int64)
    dice = np.random.default_rng(seed)
    return ids, dice.random(len(ids)), dice.random(len(ids)) < 0.5


@given(frames)
def test_packing_keeps_ids_and_lengths_and_confidence_to_a_step(stretches: list[tuple[int, int]]) -> None:
    runs = Runs.of_frames(*of(stretches))
    back = Runs.unpack(runs.pack()).merged()
    assert back.ids.tolist() == runs.ids.tolist()
    assert back.lengths.tolist() == runs.lengths.tolist()
    assert back.loud.tolist() == runs.loud.tolist()
    assert np.abs(back.confidences - runs.confidences).max(initial=0) <= 0.5 / 255 + 1e-9


@given(frames, st.lists(st.integers(0, 3000), max_size=6))
def test_windows_split_anywhere_join_to_the_whole(stretches: list[tuple[int, int]], seams: list[int]) -> None:
    columns = of(stretches)
    cuts = sorted(min(seam, len(columns[0])) for seam in seams)
    parts = zip(*(np.split(column, cuts) for column in columns), strict=True)
    joined = Runs.joined([Runs.of_frames(*part) for part in parts]).merged()
    whole = Runs.of_frames(*columns)
    assert joined.ids.tolist() == whole.ids.tolist()
    assert joined.lengths.tolist() == whole.lengths.tolist()
    assert np.allclose(joined.confidences, whole.confidences)
    assert joined.loud.tolist() == whole.loud.tolist()


@pytest.mark.parametrize("token", [0, 65_535, 65_536, 2**32 - 1])
def test_wide_ids_survive(token: int) -> None:
    runs = Runs.of_frames(np.array([token, token, 1]), np.ones(3))
    assert Runs.unpack(runs.pack()).ids.tolist() == [token, 1]


def test_ids_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="token id"):
        Runs.of_frames(np.array([2**32]), np.ones(1)).pack()


def test_no_frames_are_no_runs() -> None:
    runs = Runs.unpack(Runs.of_frames(np.zeros(0, np.int64), np.zeros(0)).pack())
    assert runs.frames == 0
    assert Runs.joined([]).frames == 0


@pytest.mark.parametrize("payload", [b"", b"\x07", b"\x02\x00", b"\x02\x00\x00\x00"])
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match="no packed runs"):
        Runs.unpack(payload)


def test_a_busy_window_takes_less_than_two_kilobytes() -> None:
    """20 s at 50 frames a second, a new token every second frame: twice as busy as fast speech."""
    ids = np.repeat(np.arange(500) % 7, 2)
    assert len(Runs.of_frames(ids, np.ones(1000)).pack()) <= 2048
