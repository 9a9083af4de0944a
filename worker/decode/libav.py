"""The decoder on ffmpeg's libraries (PyAV): FLAC, M4A and AAC, MP4 and other video, WebM, AMR, WMA, damaged MP3."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from jobs.errors import AudioUnreadable
from worker.decode.block import Block
from worker.decode.source import MISSING_S, AudioInfo

#: Demuxers of plain media files. Playlists (HLS, DASH, concat, SDP) are kept out: they would read other files.
DEMUXERS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp2,mp3,"
    "mpeg,mpegts,ogg,tta,w64,wav,wv"
)
#: those whose headers count samples or time; the others' durations are guessed from the bit rate
EXACT_DEMUXERS = ("mov", "matroska", "asf", "flac", "wav", "w64", "aiff", "caf", "wv", "ape", "tta")
#: smaller blocks cost more calls, larger ones leave a core's cache
BLOCK_FRAMES = 60_000

#: FLAC's frames carry a checksum. One that doesn't match is left out, since it may decode to noise at full scale, and
#: silence stands for it.
FLAC_OPTIONS = {"err_detect": "crccheck+explode"}

#: full scale of ffmpeg's other integer sample formats, and where their zero lies (libavutil/samplefmt.h)
FULL_SCALES = {"u8": (128.0, 128.0), "s32": (2147483648.0, 0.0)}


class AvDecoder:
    """Raises AudioUnreadable where ffmpeg can't open the file, it has no sound, or nothing of it decodes."""

    def __init__(self, path: Path) -> None:
        options = {"format_whitelist": DEMUXERS, "protocol_whitelist": "file"}
        try:
            self._container = av.open(str(path), options=options)
        except av.MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            raise AudioUnreadable(f"ffmpeg: {_words(error)}") from error
        self.failure: str | None = None
        self.passed_damage = False
        self._last: av.AudioFrame | None = None
        self._last_pts: int | None = None
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def reached_end(self) -> bool:
        """Whether the last decoded frame ends where the header says that the file does."""
        declared = self.info.duration_s if self.info.duration_is_exact else None
        last = self._last
        if declared is None or last is None or self._last_pts is None or not last.time_base:
            return False
        end_s = float(self._last_pts * last.time_base) + last.samples / last.sample_rate
        return bool(declared - end_s <= MISSING_S)

    def blocks(self) -> Iterator[Block]:
        held = av.AudioFifo()  # joins them sooner than numpy does
        decoded = position = 0
        for frame in chain([self._first], self._frames):
            if missing := self._missing(frame, position):
                if held.samples:
                    yield _samples(held.read())
                yield from _silence(missing, like=_samples(frame))
            decoded += frame.samples
            position += missing + frame.samples
            frame.pts = None  # a fifo wants them without a gap, or none
            held.write(frame)
            if held.samples >= BLOCK_FRAMES:
                yield _samples(held.read())
        if held.samples:
            yield _samples(held.read())
        if self._lost(decoded):
            self.failure = self.failure or "ffmpeg: parts of the file are damaged or missing"
        self.passed_damage = self.failure is not None and self.reached_end

    def blocks_from(self, frame: int) -> Iterator[Block]:
        """The blocks without their first `frame` frames."""
        position = 0
        for block in self.blocks():
            rest = block[max(0, frame - position) :]
            position += len(block)
            if len(rest):
                yield rest

    def close(self) -> None:
        self._container.close()

    def _missing(self, frame: av.AudioFrame, position: int) -> int:
        """How many frames of sound a FLAC has lost just before this one, which knows its place in the file.

        The next one or two behind a lost one don't: PyAV says so only of those that its parser has seen whole.
        """
        if not self._is_flac or frame.pts is None or self._first_pts is None:
            return 0
        start: int = frame.pts - self._first_pts
        return max(0, start - position)

    def _lost(self, frames: int) -> bool:
        """Whether a FLAC gave fewer than its header counts: PyAV keeps most errors of its decoder to itself."""
        declared_s = self.info.duration_s
        return self._is_flac and declared_s is not None and frames < round(declared_s * self.info.sampling_rate_hz)

    def _begin(self) -> None:
        stream = self._container.streams.best("audio")
        if stream is None:
            raise AudioUnreadable("ffmpeg: the file holds no sound track")
        self._stream = stream
        self._is_flac = self._container.format.name == "flac"
        if self._is_flac:
            stream.codec_context.options = FLAC_OPTIONS
        self._frames = self._decoded()
        # The first frame knows rate and channels better than the header does (HE-AAC doubles its rate).
        first = next(self._frames, None)
        if first is None:
            raise AudioUnreadable(self.failure or "ffmpeg: the sound track holds nothing that decodes")
        self._first, self._first_pts = first, first.pts
        self.info = self._describe(first)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """Frame after frame; a packet that doesn't decode is left out, a file that can't be read on has ended."""
        packets = self._container.demux(self._stream)
        conform: av.AudioResampler | None = None
        first: av.AudioFrame | None = None
        kind: tuple[int, int, str] | None = None
        while True:
            try:
                packet = next(packets, None)
            except av.MemoryError:
                raise
            except av.FFmpegError as error:
                self.failure = f"ffmpeg: {_words(error)}"
                return
            if packet is None:
                return
            for frame in self._decode(packet):
                first = first or frame
                kind = kind or _kind(first)
                self._last, self._last_pts = frame, frame.pts
                if _kind(frame) == kind:
                    yield frame
                else:  # a rate or a number of channels that changes in mid-file (broadcast streams)
                    conform = conform or av.AudioResampler(first.format, first.layout, first.sample_rate)
                    for changed in conform.resample(frame):
                        changed.time_base = first.time_base
                        yield changed

    def _decode(self, packet: av.Packet) -> list[av.AudioFrame]:
        try:
            return list(packet.decode())
        except av.MemoryError:
            raise
        except av.FFmpegError as error:
            self.failure = f"ffmpeg: {_words(error)}"
            return []

    def _describe(self, first: av.AudioFrame) -> AudioInfo:
        name = self._container.format.name
        duration_s = self._declared_s()
        return AudioInfo(
            container=name,
            sampling_rate_hz=first.sample_rate,
            channels=first.layout.nb_channels,
            duration_s=duration_s,
            duration_is_exact=duration_s is not None and name.split(",")[0] in EXACT_DEMUXERS,
            float_pcm=self._stream.codec_context.name.startswith("pcm_f"),
        )

    def _declared_s(self) -> float | None:
        stream, container = self._stream, self._container
        if stream.duration is not None and stream.time_base:
            return float(stream.duration * stream.time_base)
        # The container's duration is that of its longest track, so it counts only where sound is alone.
        if container.duration is not None and len(container.streams) == 1:
            return float(container.duration / av.time_base)
        return None


def _silence(frames: int, like: Block) -> Iterator[Block]:
    """So many frames of zeros, with the channels and the type of a block."""
    for start in range(0, frames, BLOCK_FRAMES):
        yield np.zeros((min(BLOCK_FRAMES, frames - start), *like.shape[1:]), like.dtype)


def _samples(frame: av.AudioFrame) -> Block:
    """(frames, channels); 16-bit integers as they are, all else as float32 of full scale 1.0."""
    channels = frame.layout.nb_channels
    if frame.format.name == "s16":  # FLAC's, without a copy
        return np.frombuffer(frame.planes[0], np.int16, frame.samples * channels).reshape(-1, channels)
    values: NDArray[Any] = frame.to_ndarray()
    table = values.T if frame.format.is_planar else values.reshape(-1, channels)
    if table.dtype == np.int16:
        return table
    scale = FULL_SCALES.get(frame.format.packed.name)
    samples = table.astype(np.float32, copy=False)
    if scale is not None:  # neither flt nor dbl
        full, zero = scale
        samples = (samples - np.float32(zero)) / np.float32(full)
    return samples


def _kind(frame: av.AudioFrame) -> tuple[int, int, str]:
    """What all frames must have in common: rate, channels, sample format."""
    return frame.sample_rate, frame.layout.nb_channels, frame.format.name


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
