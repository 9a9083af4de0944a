"""Speech of any length to measure with: the committed recordings over and over, in the formats that people have."""

from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soundfile
import soxr

ROOT = Path(__file__).parents[1]
LONG = ROOT / "tests/data/long"
RATE_HZ = 16_000
BLOCK_S = 10.0

Samples = npt.NDArray[np.float32]


def speech(seconds: float, *, start_s: float = 0.0, rate_hz: int = RATE_HZ, channels: int = 1) -> Samples:
    """Mono, or the same on several channels, that much of it from some place on."""
    return np.concatenate(list(_pieces(seconds, start_s, rate_hz, channels)))


def write(path: Path, seconds: float, *, start_s: float = 0.0, rate_hz: int = RATE_HZ, channels: int = 1) -> Path:
    """A file of the kind that its suffix says: wav, flac (16 bits), mp3, opus or m4a; ten hours need little memory."""
    pieces = _pieces(seconds, start_s, rate_hz, channels)
    if path.suffix == ".m4a":
        _write_aac(path, pieces, rate_hz, channels)
        return path
    kinds = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".mp3": ("MP3", "MPEG_LAYER_III")}
    container, subtype = kinds.get(path.suffix, ("OGG", "OPUS"))
    with soundfile.SoundFile(path, "w", rate_hz, channels, subtype, format=container) as file:
        for piece in pieces:
            file.write(piece)
    return path


def _pieces(seconds: float, start_s: float, rate_hz: int, channels: int) -> Iterator[Samples]:
    left, skipped, step = round(seconds * rate_hz), round(start_s * rate_hz), round(BLOCK_S * rate_hz)
    for path in cycle(sorted(LONG.glob("*.opus"))):
        samples = _recording(path, rate_hz)
        ours = samples[skipped : skipped + left]
        skipped = max(0, skipped - len(samples))
        for at in range(0, len(ours), step):
            mono = ours[at : at + step]
            yield mono if channels == 1 else np.repeat(mono[:, None], channels, axis=1)
        left -= len(ours)
        if left == 0:
            return


@cache
def _recording(path: Path, rate_hz: int) -> Samples:
    samples, found_hz = soundfile.read(path, dtype="float32")
    resampled: Samples = soxr.resample(samples, found_hz, rate_hz)
    return resampled


def _write_aac(path: Path, pieces: Iterator[Samples], rate_hz: int, channels: int) -> None:
    layout = "mono" if channels == 1 else "stereo"
    with av.open(str(path), "w", format="ipod") as out:
        sound = out.add_stream("aac", rate=rate_hz, layout=layout)
        fitted = av.AudioResampler(sound.format, layout, rate_hz, frame_size=sound.frame_size or 1024)
        for piece in pieces:
            planes = np.ascontiguousarray(piece.reshape(-1, channels).T)
            frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
            frame.sample_rate = rate_hz
            for one in fitted.resample(frame):
                out.mux(sound.encode(one))
        for one in fitted.resample(None):
            out.mux(sound.encode(one))
        out.mux(sound.encode(None))
