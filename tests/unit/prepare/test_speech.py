"""Silero's model over a stream: it hears speech, not noise, and the split into blocks changes nothing."""

import sys

import numpy as np
import pytest

from jobs.errors import SilenceUnknown
from tests.support.spaced_speech import spaced_speech
from worker import speech
from worker.speech import FRAME_SAMPLES, RATE_HZ, SpeechDetector


def hear(audio: np.ndarray, *blocks: int) -> np.ndarray:
    detector, found, position, turn = SpeechDetector(), [], 0, 0
    while position < len(audio):
        size = blocks[turn % len(blocks)]
        found.append(detector.feed(audio[position : position + size]))
        position, turn = position + size, turn + 1
    return np.concatenate((*found, detector.finish()))


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_it_hears_speech_between_silences(noise: float) -> None:
    spoken = spaced_speech(60, noise=noise)
    heard = hear(spoken.wave, 65_536)
    times_s = (np.arange(len(heard)) + 0.5) * FRAME_SAMPLES / RATE_HZ
    inside = np.zeros(len(heard), np.bool_)
    for start_s, stop_s in spoken.spans_s:
        inside |= (times_s > start_s) & (times_s < stop_s)
    assert len(heard) == -(-len(spoken.wave) // FRAME_SAMPLES)
    assert heard[inside].mean() > 0.93
    assert heard[~inside].mean() < 0.1


def test_blocks_change_nothing() -> None:
    wave = spaced_speech(20).wave[:-77]
    assert np.array_equal(hear(wave, 1000, 77, 40_000), hear(wave, len(wave)))


def test_music_and_noise_are_silent() -> None:
    times_s = np.arange(20 * RATE_HZ) / RATE_HZ
    chord = sum(np.sin(2 * np.pi * tone_hz * times_s) for tone_hz in (220.0, 277.2, 329.6)) * 0.1
    assert hear(chord.astype(np.float32), 65_536).mean() < 0.05


def test_another_rate_is_refused() -> None:
    with pytest.raises(SilenceUnknown, match="8000"):
        SpeechDetector(8000)


@pytest.mark.parametrize("missing", ["onnxruntime", "silero_vad"])
def test_without_its_packages_it_says_so(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    speech._session.cache_clear()
    if missing == "onnxruntime":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    else:
        monkeypatch.setattr(speech, "find_spec", lambda _: None)
    with pytest.raises(SilenceUnknown, match=missing.replace("_", "-")):
        SpeechDetector()
