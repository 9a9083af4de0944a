"""What Whisper invents, as far as it can be told: text for windows in which nobody speaks, and text that goes in loops.

`silence`: a window in which nothing can be heard has no text. `strict`: nor has one in which Silero hears nobody speak,
nor a window's text that repeats itself as much as openai-whisper discards.
"""

import zlib

import numpy as np

from jobs.errors import SilenceUnknown
from jobs.settings import WhisperGuard
from worker.decode.levels import SILENT_PEAK
from worker.forward import Samples
from worker.speech import CALL_FRAMES, FRAME_SAMPLES, SpeechDetector

#: UTF-8 bytes of a text to the same deflated; openai-whisper discards text above it (transcribe.py: 2.4)
LOOP_COMPRESSION = 2.4


def nobody_speaks(samples: Samples, sampling_rate_hz: int, guard: WhisperGuard) -> bool:
    """Whether a window has no text for certain. Stops at the first speech, mostly within the first two seconds."""
    if guard == "off":
        return False
    if float(np.abs(samples).max(initial=0.0)) < SILENT_PEAK:
        return True
    return guard == "strict" and not _speech_in(samples, sampling_rate_hz)


def is_loop(text: str, guard: WhisperGuard) -> bool:
    """Whether a window's text repeats itself too much to have been said."""
    plain = text.encode()
    return guard == "strict" and len(plain) > LOOP_COMPRESSION * len(zlib.compress(plain))


def _speech_in(samples: Samples, sampling_rate_hz: int) -> bool:
    """Where the detector can't run, a window counts as speech."""
    try:
        detector = SpeechDetector(sampling_rate_hz)
    except SilenceUnknown:
        return True
    call = CALL_FRAMES * FRAME_SAMPLES
    pieces = (samples[start : start + call] for start in range(0, len(samples), call))
    return any(detector.feed(piece).any() for piece in pieces) or bool(detector.finish().any())
