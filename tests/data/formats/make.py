"""Converts one WAV into a file of every container and sample kind that the service reads.

    python tests/data/formats/make.py SOURCE.wav FOLDER

AMR-WB isn't among them: no wheel carries an encoder, so one is committed beside this file.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

AMR_WB = Path(__file__).with_name("tone.amrwb")


@dataclass(frozen=True)
class Kind:
    """lossless: it decodes to the very samples (as 16-bit PCM); rate: the only one the codec takes, if one."""

    name: str
    write: Callable[[Path, np.ndarray, int], None]
    lossless: bool = False
    rate: int | None = None


def by_soundfile(container: str, subtype: str) -> Callable[[Path, np.ndarray, int], None]:
    def write(path: Path, samples: np.ndarray, rate: int) -> None:
        soundfile.write(path, samples, rate, format=container, subtype=subtype)

    return write


def by_ffmpeg(
    container: str,
    codec: str,
    *,
    options: dict[str, str] | None = None,
    video: str | None = None,
    bit_rate: int | None = None,
) -> Callable[[Path, np.ndarray, int], None]:
    def write(path: Path, samples: np.ndarray, rate: int) -> None:
        with av.open(str(path), "w", format=container, options=options or {}) as out:
            channels = 1 if samples.ndim == 1 else samples.shape[1]
            layout = {1: "mono", 2: "stereo"}[channels]
            pictures = _add_video(out, video, seconds=len(samples) / rate) if video else []
            sound = out.add_stream(codec, rate=rate, layout=layout)
            if bit_rate:
                sound.bit_rate = bit_rate
            whole = np.ascontiguousarray(samples.reshape(-1, channels).T.astype(np.float32))
            frame = av.AudioFrame.from_ndarray(whole, format="fltp", layout=layout)
            frame.sample_rate = rate
            fitted = av.AudioResampler(sound.format, layout, rate, frame_size=sound.frame_size or 1024)
            for packet in pictures:
                out.mux(packet)
            for piece in [*fitted.resample(frame), *fitted.resample(None)]:
                out.mux(sound.encode(piece))
            out.mux(sound.encode(None))

    return write


def _add_video(out: av.container.OutputContainer, codec: str, *, seconds: float) -> list[av.Packet]:
    """A grey picture a second."""
    stream = out.add_stream(codec, rate=1)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    grey = np.full((48, 64, 3), 128, dtype=np.uint8)
    frames = [av.VideoFrame.from_ndarray(grey, format="rgb24") for _ in range(max(1, round(seconds)))]
    for number, frame in enumerate(frames):
        frame.pts = number
    return [packet for frame in [*frames, None] for packet in stream.encode(frame)]


KINDS = [
    Kind("wav-u8.wav", by_soundfile("WAV", "PCM_U8")),
    Kind("wav-16.wav", by_soundfile("WAV", "PCM_16"), lossless=True),
    Kind("wav-24.wav", by_soundfile("WAV", "PCM_24"), lossless=True),
    Kind("wav-32.wav", by_soundfile("WAV", "PCM_32"), lossless=True),
    Kind("wav-float.wav", by_soundfile("WAV", "FLOAT"), lossless=True),
    Kind("wav-double.wav", by_soundfile("WAV", "DOUBLE"), lossless=True),
    Kind("wav-ulaw.wav", by_soundfile("WAV", "ULAW")),
    Kind("wav-alaw.wav", by_soundfile("WAV", "ALAW")),
    Kind("wav-ima-adpcm.wav", by_soundfile("WAV", "IMA_ADPCM")),
    Kind("wav-gsm.wav", by_soundfile("WAV", "GSM610"), rate=8000),
    Kind("wavex.wav", by_soundfile("WAVEX", "PCM_16"), lossless=True),
    Kind("rf64.wav", by_soundfile("RF64", "PCM_16"), lossless=True),
    Kind("w64.w64", by_soundfile("W64", "PCM_16"), lossless=True),
    Kind("flac-16.flac", by_soundfile("FLAC", "PCM_16"), lossless=True),
    Kind("flac-24.flac", by_soundfile("FLAC", "PCM_24"), lossless=True),
    Kind("vorbis.ogg", by_soundfile("OGG", "VORBIS")),
    Kind("opus.opus", by_soundfile("OGG", "OPUS")),
    Kind("mp3.mp3", by_soundfile("MP3", "MPEG_LAYER_III")),
    Kind("aiff.aiff", by_soundfile("AIFF", "PCM_16"), lossless=True),
    Kind("caf.caf", by_soundfile("CAF", "PCM_16"), lossless=True),
    Kind("au.au", by_soundfile("AU", "PCM_16"), lossless=True),
    Kind("moov-last.m4a", by_ffmpeg("ipod", "aac")),
    Kind("moov-first.m4a", by_ffmpeg("ipod", "aac", options={"movflags": "faststart"})),
    Kind("alac.m4a", by_ffmpeg("ipod", "alac"), lossless=True),
    Kind("video.mp4", by_ffmpeg("mp4", "aac", video="mpeg4")),
    Kind("sound.webm", by_ffmpeg("webm", "libopus"), rate=48000),
    Kind("video.webm", by_ffmpeg("webm", "libopus", video="libvpx"), rate=48000),
    Kind("video.mkv", by_ffmpeg("matroska", "pcm_s16le", video="mpeg4"), lossless=True),
    Kind("adts.aac", by_ffmpeg("adts", "aac")),
    Kind("phone.3gp", by_ffmpeg("3gp", "libopencore_amrnb"), rate=8000),
    Kind("nb.amr", by_ffmpeg("amr", "libopencore_amrnb"), rate=8000),
    Kind("wma.wma", by_ffmpeg("asf", "wmav2", bit_rate=64_000)),
    Kind("video.avi", by_ffmpeg("avi", "pcm_s16le", video="mpeg4"), lossless=True),
    Kind("stream.ts", by_ffmpeg("mpegts", "aac")),
]


def make(kind: Kind, samples: np.ndarray, rate: int, folder: Path) -> Path:
    """One file of a kind, resampled where its codec takes one rate only."""
    if kind.rate is not None and kind.rate != rate:
        samples, rate = soxr.resample(samples, rate, kind.rate), kind.rate
    path = folder / kind.name
    kind.write(path, samples, rate)
    return path


def main(source: str, folder: str) -> None:
    samples, rate = soundfile.read(source, dtype="float32")
    Path(folder).mkdir(parents=True, exist_ok=True)
    for kind in KINDS:
        sys.stdout.write(f"{make(kind, samples, rate, Path(folder))}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
