"""Where segments begin and end, against speech with silences at known places, through the whole service."""

import tempfile
from pathlib import Path

import numpy as np
import soundfile

from bench.figure import Figure
from bench.stack import service
from jobs.transcript import Transcript
from tests.support.spaced_speech import RATE, edge_errors_s, spaced_speech

#: white noise of this standard deviation: about 12 dB below the speech
NOISE = 0.02
TIMEOUT_S = 900.0


def measure() -> list[Figure]:
    hours = _errors_s(3 * 3600.0)
    first, last = (1000 * np.abs(part).mean() for part in (np.array_split(hours, 6)[0], np.array_split(hours, 6)[-1]))
    noisy = _errors_s(600.0, noise=NOISE)
    return [
        Figure("three hours: mean error of beginnings", 1000 * np.abs(hours[:, 0]).mean(), "ms", "≤ 100"),
        Figure("… of ends", 1000 * np.abs(hours[:, 1]).mean(), "ms", "≤ 100"),
        Figure("… 99th percentile of both", 1000 * float(np.percentile(np.abs(hours), 99)), "ms"),
        Figure("… growth from the first half-hour to the last", last - first, "ms", "≤ 5"),
        Figure("ten minutes in noise: mean error of beginnings", 1000 * np.abs(noisy[:, 0]).mean(), "ms", "≤ 100"),
        Figure("… of ends", 1000 * np.abs(noisy[:, 1]).mean(), "ms", "≤ 100"),
    ]


def _errors_s(seconds: float, *, noise: float = 0.0) -> np.ndarray:
    speech = spaced_speech(seconds, noise=noise)
    with tempfile.TemporaryDirectory() as folder, service() as client:
        path = Path(folder, "speech.flac")
        soundfile.write(path, speech.wave, RATE, subtype="PCM_16")
        job = client.wait(client.submit(path).id, timeout_s=TIMEOUT_S)
        written = Transcript.model_validate_json(client.transcript_text(job.id, "json"))
    return edge_errors_s(speech, written)
