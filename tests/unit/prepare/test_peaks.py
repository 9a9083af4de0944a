"""The waveform's peaks: the loudest of each step, in a bounded number, however the stream is split."""

import numpy as np
import pytest
from numpy.typing import NDArray

from worker.peaks import MOST, STEP_S, TOP, Peaks

RATE = 16_000
Samples = NDArray[np.float32]


def peaks_of(*rows: list[Samples]) -> Peaks:
    peaks = Peaks(RATE)
    for blocks in rows:
        assert len(list(peaks.of(iter(blocks)))) == len(blocks)
    return peaks


def noise(seconds: float, seed: int = 1) -> Samples:
    return (np.random.default_rng(seed).standard_normal(round(seconds * RATE)) * 0.1).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.004, 1.0, 40.96, 40.961, 200.5])
def test_each_is_the_loudest_of_its_step(seconds: float) -> None:
    sound = noise(seconds)
    made = peaks_of([sound]).waveform()
    step = round(made.step_s * RATE)
    loudest = [float(np.abs(sound[at : at + step]).max()) for at in range(0, len(sound), step)]
    assert len(loudest) <= MOST
    assert step == 160 or len(loudest) > MOST // 2
    assert made.peak == pytest.approx(max(loudest), abs=1e-6)
    assert made.channels == [[round(each / max(loudest) * TOP) for each in loudest]]
    assert made.duration_s == len(sound) / RATE


def test_blocks_make_no_difference() -> None:
    sound = noise(90)
    whole = peaks_of([sound]).waveform()
    rng = np.random.default_rng(3)
    for _ in range(5):
        cuts = np.sort(rng.integers(0, len(sound), size=200))
        assert peaks_of(np.split(sound, cuts)).waveform() == whole


def test_ten_hours_are_as_many() -> None:
    block = noise(4)
    peaks = Peaks(RATE)
    for _ in peaks.of(iter([block] * 9000)):
        pass
    made = peaks.waveform()
    assert made.duration_s == 36_000
    assert MOST // 2 < len(made.channels[0]) <= MOST
    assert made.step_s == STEP_S * 1024
    assert len(made.model_dump_json()) < 20_000


def test_channels_share_a_scale() -> None:
    loud, soft = noise(1), noise(1, 2) / 4
    made = peaks_of([loud], [soft]).waveform()
    assert [len(row) for row in made.channels] == [100, 100]
    assert max(made.channels[0]) == TOP
    assert 40 < max(made.channels[1]) < 90


def test_silence_is_flat() -> None:
    made = peaks_of([np.zeros(RATE, dtype=np.float32), np.empty(0, dtype=np.float32)]).waveform()
    assert made.peak == 0
    assert made.channels == [[0] * 100]
