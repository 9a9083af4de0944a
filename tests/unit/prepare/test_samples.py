"""A window object gives back what was put into it, or says that it can't."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jobs.errors import ObjectCorrupt, ObjectMissing
from worker import samples

pcm16 = arrays(np.int16, st.integers(0, 300))
floats = arrays(
    np.float32, st.integers(0, 300), elements=st.floats(-(2.0**20), 2.0**20, width=32, allow_subnormal=False)
)


@settings(deadline=None)
@given(pcm16)
def test_16_bit_samples_come_back_exactly(steps: np.ndarray) -> None:
    original = steps.astype(np.float32) / np.float32(32768)
    assert np.array_equal(samples.decode(samples.encode(original)), original)
    assert samples.unpack(samples.encode(original))[1] == samples.PCM16_STEP


@settings(deadline=None)
@given(floats)
def test_other_samples_come_back_within_half_a_step_of_their_peak(original: np.ndarray) -> None:
    decoded = samples.decode(samples.encode(original))
    peak = max(float(np.abs(original).max()) if original.size else 0.0, samples.LEAST_PEAK)
    assert decoded.dtype == np.float32
    assert np.allclose(decoded, original, rtol=0, atol=peak / 65534 * 1.001 + peak * 1e-6 + 1e-37)


@settings(deadline=None)
@given(floats)
def test_decoding_and_encoding_again_changes_nothing_more(original: np.ndarray) -> None:
    """So a window that is repaired from its own samples stays within the first rounding."""
    once = samples.decode(samples.encode(original))
    assert np.allclose(samples.decode(samples.encode(once)), once, rtol=1e-6, atol=1e-37)


def test_a_float_recording_far_beyond_full_scale_keeps_its_shape() -> None:
    loud = np.linspace(-40_000, 40_000, 1_000, dtype=np.float32)
    assert np.abs(samples.decode(samples.encode(loud)) - loud).max() < 1.0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:10],
        lambda data: data[:-2],
        lambda data: data + b"\0\0",
        lambda data: b"RIFF" + data[4:],
        lambda data: data[:30] + bytes([data[30] ^ 1]) + data[31:],
        lambda data: data[:9] + bytes([data[9] ^ 1]) + data[10:],
    ],
    ids=["short", "cut", "long", "magic", "sample", "scale"],
)
def test_a_damaged_object_is_refused(damage: object) -> None:
    data = samples.encode(np.linspace(-0.5, 0.5, 100, dtype=np.float32))
    with pytest.raises(ObjectCorrupt) as caught:
        samples.decode(damage(data))  # type: ignore[operator]
    assert isinstance(caught.value, ObjectMissing)  # so whoever repairs missing objects repairs these
