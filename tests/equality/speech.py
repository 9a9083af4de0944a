"""Real (synthetic, spoken) audio for the bundled model, in steps of 16 bits so that a WAV holds it exactly."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from tests.equality.random_models import RATE

LONG = Path(__file__).parent.parent / "data/long"


def speech(seconds: float) -> np.ndarray:
    """The first seconds of the three-minute recordings, one after another."""
    parts: list[np.ndarray] = []
    for path in sorted(LONG.glob("*.opus")):
        samples, rate = soundfile.read(path, dtype="float32")
        parts.append(soxr.resample(samples, rate, RATE))
        if sum(len(part) for part in parts) >= seconds * RATE:
            break
    wave = np.concatenate(parts)[: round(seconds * RATE)]
    return (np.rint(np.clip(wave, -1, 32767 / 32768) * 32768) / 32768).astype(np.float32)
