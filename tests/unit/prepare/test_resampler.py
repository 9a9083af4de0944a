"""Streaming gives what resampling all at once gives, bit for bit."""

import numpy as np
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.decode import Resampler


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from([8_000, 22_050, 44_100, 48_000, 96_000]),
    st.integers(1, 30_000),
    st.lists(st.integers(1, 9_000), min_size=1, max_size=4),
)
def test_streaming_equals_one_shot(rate: int, samples: int, blocks: list[int]) -> None:
    audio = np.random.default_rng(samples).standard_normal(samples).astype(np.float32) * 0.1
    resampler, pieces, position = Resampler(rate, 16_000), [], 0
    while position < samples:
        size = blocks[len(pieces) % len(blocks)]
        pieces.append(resampler.feed(audio[position : position + size]))
        position += size
    streamed = np.concatenate([*pieces, resampler.finish()])
    assert np.array_equal(streamed, soxr.resample(audio, rate, 16_000, quality="HQ"))


def test_equal_rates_change_nothing() -> None:
    audio = np.linspace(-1, 1, 100, dtype=np.float32)
    resampler = Resampler(16_000, 16_000)
    assert resampler.feed(audio) is audio
    assert len(resampler.finish()) == 0
