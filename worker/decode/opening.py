"""Which decoder reads a file: libsndfile first, ffmpeg's libraries (PyAV) for what it can't read."""

from pathlib import Path

from jobs.errors import AudioEmpty, AudioUnreadable
from worker.decode.libav import AvDecoder
from worker.decode.sndfile import SndfileDecoder
from worker.decode.source import AudioSource, Decoder


def open_audio(path: Path, *, max_duration_s: float, channel: int | None = None) -> AudioSource:
    """The file at `path`, told by its content, never by its name; one channel of it (from 0), or all mixed.

    Raises AudioEmpty, AudioUnreadable, AudioTooManyChannels or AudioTooLong.
    """
    if path.stat().st_size == 0:
        raise AudioEmpty("the file holds no bytes")
    decoder = _decoder(path)
    try:
        return AudioSource(decoder, max_duration_s=max_duration_s, channel=channel)
    except BaseException:
        decoder.close()
        raise


def _decoder(path: Path) -> Decoder:
    try:
        return SndfileDecoder(path)
    except AudioUnreadable as first:
        try:
            return AvDecoder(path)
        except AudioUnreadable as second:
            raise AudioUnreadable(f"{second.detail} ({first.detail})") from second
