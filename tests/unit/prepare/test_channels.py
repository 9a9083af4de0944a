"""Channels that are transcribed apart: one row of windows, each channel cut as if it were alone."""

from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.unit.prepare import test_prepare
from tests.unit.prepare.test_prepare import RATE, REQUEST, Bench, phrases


@pytest.fixture
def split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_prepare, "REQUEST", REQUEST.model_copy(update={"channels": "split"}))


def two_channels(seconds: float) -> np.ndarray:
    """The second is the first one backwards, so its pauses are elsewhere."""
    one = phrases(seconds)
    return np.stack([one, one[::-1]], axis=1)


def alone(folder: Path, audio: np.ndarray) -> Bench:
    bench = Bench(folder)
    bench.upload(audio)
    bench.run()
    return bench


@pytest.mark.usefixtures("split")
def test_each_channel_gets_the_windows_that_it_would_have_alone(tmp_path: Path) -> None:
    audio = two_channels(60)
    both = alone(tmp_path / "both", audio)
    apart = [alone(tmp_path / f"channel-{number}", audio[:, number]) for number in (0, 1)]
    assert both.ledger.total == 2 * len(audio)
    assert both.ledger.channels == 2
    expected = [
        window.moved(number * len(audio)) for number, bench in enumerate(apart) for window in bench.ledger.windows
    ]
    assert [(each.start_sample, each.stop_sample, each.cut_start, each.cut_stop) for each in both.ledger.windows] == [
        (each.start_sample, each.stop_sample, each.cut_start, each.cut_stop) for each in expected
    ]
    assert [window.index for window in both.ledger.windows] == list(range(len(expected)))
    assert both.objects() == [stored for bench in apart for stored in bench.objects()]
    drawn = both.waveform()
    assert len(drawn.channels) == 2
    assert drawn.channels[0] == drawn.channels[1][::-1]  # 60 s are a whole number of steps


@pytest.mark.usefixtures("split")
def test_slices_end_and_go_on_in_any_channel(tmp_path: Path) -> None:
    audio = two_channels(200)
    in_one = alone(tmp_path / "one", audio)
    sliced = Bench(tmp_path / "sliced")
    sliced.upload(audio)
    ends = []
    for blocks in count(12, 12):
        sliced.run(blocks=blocks)
        ends.append(sliced.ledger.windows[-1].cut_stop)
        if sliced.ledger.total is not None:
            break
    assert sum(end < len(audio) for end in ends) > 1
    assert sum(len(audio) < end < 2 * len(audio) for end in ends) > 1
    assert sliced.ledger.windows == in_one.ledger.windows
    assert sliced.objects() == in_one.objects()


@pytest.mark.usefixtures("split")
def test_one_channel_is_the_same_as_a_mix(bench: Bench) -> None:
    bench.upload(phrases(30))
    bench.run()
    assert (bench.ledger.total, bench.ledger.channels) == (30 * RATE, 1)


def test_a_mix_of_two_has_one_timeline(bench: Bench) -> None:
    bench.upload(two_channels(30))
    bench.run()
    assert (bench.ledger.total, bench.ledger.channels) == (30 * RATE, 1)


@pytest.mark.usefixtures("split")
def test_the_estimated_length_counts_both(bench: Bench) -> None:
    bench.upload(two_channels(30))
    bench.run()
    assert set(bench.ledger.durations_s) == {60}
    assert all(early.cut_stop == late.cut_start for early, late in pairwise(bench.ledger.windows))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
