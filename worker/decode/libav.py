"""The decoder on ffmpeg's libraries (PyAV): M4A and AAC, MP4 and other video, WebM, AMR, WMA, and damaged files."""

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
BLOCK_FRAMES = 1 << 15

#: full scale of ffmpeg's integer sample formats, and where their zero lies (libavutil/samplefmt.h)
FULL_SCALES = {"u8": (128.0, 128.0), "s16": (32768.0, 0.0), "s32": (2147483648.0, 0.0)}


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
        if declared is None or last is None or last.pts is None or not last.time_base:
            return False
        end_s = float(last.pts * last.time_base) + last.samples / last.sample_rate
        return bool(declared - end_s <= MISSING_S)

    def blocks(self) -> Iterator[Block]:
        pieces: list[Block] = []
        held = 0
        for frame in chain([self._first], self._frames):
            pieces.append(_samples(frame))
            held += len(pieces[-1])
            if held >= BLOCK_FRAMES:
                yield np.concatenate(pieces)
                pieces.clear()
                held = 0
        if pieces:
            yield np.concatenate(pieces)
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

    def _begin(self) -> None:
        stream = self._container.streams.best("audio")
        if stream is None:
            raise AudioUnreadable("ffmpeg: the file holds no sound track")
        self._stream = stream
        self._frames = self._decoded()
        # The first frame knows rate and channels better than the header does (HE-AAC doubles its rate).
        first = next(self._frames, None)
        if first is None:
            raise AudioUnreadable(self.failure or "ffmpeg: the sound track holds nothing that decodes")
        self._first = first
        self.info = self._describe(first)

    def _decoded(self) -> Iterator[av.AudioFrame]:
        """Frame after frame; a packet that doesn't decode is left out, a file that can't be read on has ended."""
        packets = self._container.demux(self._stream)
        conform: av.AudioResampler | None = None
        first: av.AudioFrame | None = None
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
                self._last = frame
                if _alike(frame, first):
                    yield frame
                else:  # a rate that changes in mid-file (broadcast streams)
                    conform = conform or av.AudioResampler(first.format, first.layout, first.sample_rate)
                    yield from conform.resample(frame)

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


def _samples(frame: av.AudioFrame) -> Block:
    """(frames, channels), float32, full scale 1.0."""
    values: NDArray[Any] = frame.to_ndarray()
    table = values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)
    scale = FULL_SCALES.get(frame.format.packed.name)
    if scale is None:  # flt and dbl
        return table.astype(np.float32, copy=False)
    full, zero = scale
    # Through float64, since float32 would round 32-bit integers before the division.
    return ((table.astype(np.float64) - zero) / full).astype(np.float32)


def _alike(frame: av.AudioFrame, first: av.AudioFrame) -> bool:
    return bool(frame.sample_rate == first.sample_rate and frame.layout.nb_channels == first.layout.nb_channels)


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
