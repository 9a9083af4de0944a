"""How a test marks the window in which something goes wrong: a burst louder than all else."""

import numpy as np

from tests.support.speechlike import RATE_HZ
from worker.forward import ForwardInput

LOUDNESS = 0.99


def poisoned(wave: np.ndarray, at_s: float) -> np.ndarray:
    """The wave with a mark at `at_s`, 50 ms long."""
    marked = wave.copy()
    start = round(at_s * RATE_HZ)
    marked[start : start + RATE_HZ // 20] = LOUDNESS
    return marked


def is_poisoned(window: ForwardInput) -> bool:
    return bool(window.samples.max() > LOUDNESS - 0.005)
