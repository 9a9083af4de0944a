"""Decoding: any supported file to mono float32 blocks at the file's own rate, streamed, and on to the model's rate."""

from worker.decode.opening import open_audio
from worker.decode.resampler import Resampler
from worker.decode.source import AudioInfo, AudioSource

__all__ = ["AudioInfo", "AudioSource", "Resampler", "open_audio"]
