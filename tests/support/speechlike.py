"""Sound whose fake transcript changes often: bursts of changing loudness with short pauses."""

import io

import numpy as np
import soundfile

RATE_HZ = 16_000


def sound(seconds: float, seed: int = 0) -> np.ndarray:
    """Bursts of noise of 0.1 to 0.4 s, each with a loudness of its own; every tenth place is a pause."""
    random = np.random.default_rng(seed)
    wave = np.zeros(round(seconds * RATE_HZ), np.float32)
    at = 0
    while at < len(wave):
        length = int(random.uniform(0.1, 0.4) * RATE_HZ)
        loudness = 0.0 if random.random() < 0.1 else random.uniform(0.15, 0.94)
        burst = loudness * random.choice([-1.0, 1.0], length)
        wave[at : at + length] = burst[: len(wave) - at]
        at += length
    return wave


def wav(seconds: float, seed: int = 0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sound(seconds, seed), RATE_HZ, format="WAV", subtype="PCM_16")
    return file.getvalue()
