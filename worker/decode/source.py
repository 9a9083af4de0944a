"""What every decoder gives, and the stream built on it: checked, measured, mixed down to mono."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from jobs.errors import AudioEmpty, AudioNotFinite, AudioTooLong, AudioTooManyChannels, AudioUnreadable
from worker.decode.block import Block, Samples, full_scale
from worker.decode.levels import Levels
from worker.decode.notices import Notice, damaged, truncated

MAX_CHANNELS = 8
STEREO = 2
#: 8 to 192 kHz is promised; a little more on both sides does no harm, and soxr's memory stays small
MIN_RATE_HZ, MAX_RATE_HZ = 4_000, 384_000
#: a file that lacks less than this of what its header promises is whole (encoder delay and padding)
MISSING_S = 0.3


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """A file as its header describes it.

    duration_s: None where the header doesn't say. duration_is_exact: it counts samples, it isn't guessed from a bit
    rate, so decoding less means that something is missing. float_pcm: samples over full scale are no clipping.
    """

    container: str
    sampling_rate_hz: int
    channels: int
    duration_s: float | None
    duration_is_exact: bool
    float_pcm: bool = False


class Decoder(Protocol):
    """One open file. Errors in mid-file end the blocks or are skipped; they don't raise."""

    info: AudioInfo
    #: what couldn't be decoded, in the library's words; None while all is well
    failure: str | None
    #: decoding went on behind a damaged place and reached the end of the file
    passed_damage: bool

    def blocks(self) -> Iterator[Block]:
        """At the file's rate; at most about 65,536 frames a block, each good until the next one is asked for."""
        ...

    def close(self) -> None: ...


class AudioSource:
    """A checked mono stream of one file. Raises the JobErrors of bad audio, collects warnings about doubtful audio."""

    def __init__(self, decoder: Decoder, *, max_duration_s: float, channel: int | None = None) -> None:
        """channel: the one that is heard, from 0; None: all, mixed.

        Raises AudioTooManyChannels, AudioTooLong (by the header alone) and AudioUnreadable (an unusable rate)."""
        self.info = decoder.info
        self._decoder = decoder
        self._channel = channel
        self._max_duration_s = max_duration_s
        self._levels = Levels(float_pcm=decoder.info.float_pcm)
        self._frames = 0
        _check_header(decoder.info, max_duration_s)

    @property
    def decoded_s(self) -> float:
        return self._frames / self.info.sampling_rate_hz

    @property
    def duration_s(self) -> float | None:
        """The best estimate so far: the header's, unless more was decoded."""
        declared = self.info.duration_s
        return None if declared is None else max(declared, self.decoded_s)

    def blocks(self) -> Iterator[Samples]:
        """Mono at the file's rate: the chosen channel, or the mean of all.

        Raises AudioNotFinite, AudioTooLong, AudioEmpty, and AudioUnreadable where nothing at all could be decoded.
        """
        for block in self._decoder.blocks():
            self._frames += len(block)
            if self.decoded_s > self._max_duration_s:
                raise AudioTooLong(f"it is longer than {self._max_duration_s:g} s")
            peak = self._levels.add(block)
            mono = _mix_down(block) if self._channel is None else _one(block, self._channel)
            if not math.isfinite(peak) and not np.isfinite(mono).all():
                raise AudioNotFinite(f"a sample about {self.decoded_s:.1f} s into the file is NaN or infinite")
            yield mono
        if self._frames == 0:
            self._raise_nothing()

    def warnings(self) -> list[dict[str, str]]:
        """After the last block: what the job's owner should know."""
        notices = [*self._missing(), *self._levels.notices()]
        return [notice.as_dict() for notice in notices]

    def close(self) -> None:
        self._decoder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _raise_nothing(self) -> None:
        if self._decoder.failure:
            raise AudioUnreadable(self._decoder.failure)
        raise AudioEmpty("the file has a header but no samples")

    def _missing(self) -> Iterator[Notice]:
        declared = self.info.duration_s if self.info.duration_is_exact else None
        lacking = declared is not None and declared - self.decoded_s > MISSING_S
        if self._decoder.passed_damage:
            yield damaged(self.decoded_s, declared if lacking else None)
        elif lacking or self._decoder.failure:
            yield truncated(self.decoded_s, declared if lacking else None)


def _check_header(info: AudioInfo, max_duration_s: float) -> None:
    if not 1 <= info.channels <= MAX_CHANNELS:
        raise AudioTooManyChannels(f"it has {info.channels} channels, {MAX_CHANNELS} at most are accepted")
    if not MIN_RATE_HZ <= info.sampling_rate_hz <= MAX_RATE_HZ:
        raise AudioUnreadable(f"its sampling rate is {info.sampling_rate_hz} Hz; 8,000 to 192,000 Hz are accepted")
    if info.duration_is_exact and info.duration_s is not None and info.duration_s > max_duration_s:
        raise AudioTooLong(f"it is {info.duration_s:.0f} s long, {max_duration_s:g} s at most are accepted")


def _mix_down(block: Block) -> Samples:
    """The mean of the channels."""
    channels = block.shape[1]
    if channels == 1:
        return _one(block, 0)
    total = _sum_of_two(block) if block.dtype == np.int16 and channels == STEREO else _sum(block)
    # Of integers the sum is exact; so this rounds once, as it does where each was divided before.
    total /= np.float32(channels * full_scale(block))
    return total


def _sum(block: Block) -> Samples:
    """Channel by channel, since numpy's sum over a short axis is slow."""
    table = block.astype(np.float32, copy=False)  # whole: numpy is slow where it converts every second number
    total: Samples = table[:, 0] + table[:, 1]
    for channel in range(2, block.shape[1]):
        total += table[:, channel]
    return total


def _sum_of_two(block: Block) -> Samples:
    """16-bit stereo: each pair is taken for one 32-bit number, which numpy adds without stepping over every second."""
    pairs = np.ascontiguousarray(block).view(np.int32)[:, 0]
    total = pairs << 16
    total >>= 16  # the lower half, with its sign
    total += pairs >> 16
    return total.astype(np.float32)


def _one(block: Block, channel: int) -> Samples:
    """A channel, in an array of its own."""
    samples = block[:, channel].astype(np.float32)
    if (scale := full_scale(block)) != 1:
        samples /= np.float32(scale)
    return samples
