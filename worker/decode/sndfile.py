"""The decoder on libsndfile: WAV, RF64, W64, OGG Vorbis and Opus, MP3, AIFF, CAF, AU."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile

from jobs.errors import AudioUnreadable
from worker.decode.block import Block
from worker.decode.libav import AvDecoder
from worker.decode.source import MISSING_S, AudioInfo

BLOCK_FRAMES = 1 << 16

#: what libsndfile is trusted with; of the rest it guesses some from very little, and FLAC takes it longer than ffmpeg
CONTAINERS = frozenset({"WAV", "WAVEX", "RF64", "W64", "OGG", "MP3", "AIFF", "CAF", "AU"})
#: libsndfile gives this up at the first damaged frame; ffmpeg goes on behind it
RESCUED = "MP3"
#: what it gives as 16-bit integers without loss, and reads faster so
INTEGERS = frozenset({"PCM_16", "PCM_S8", "PCM_U8"})

#: libsndfile's log about a header that promises more than the file holds (src/wav.c, w64.c, aiff.c: "should be")
SHORT_CHUNK = re.compile(r"^\s*(?:data|riff|SSND)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)
#: the same for RF64 (src/rf64.c)
SHORT_RF64 = re.compile(r"Calculated frame count (\d+) does not match value from 'ds64' chunk of (\d+)")
#: sizes from here on are what programs write that don't know the length yet (2**31 - some header, 2**32 - 1)
UNKNOWN_BYTES = 0x7FFF_0000


class StraightFile(soundfile.SoundFile):  # type: ignore[misc]  # it has no types
    """Read from its start to its end, without going back.

    soundfile seeks, behind each read, to the place where it is already; in an MP3, whose frames borrow bits from those
    before them, the first frame behind some of these places then comes out wrong.
    """

    def seekable(self) -> bool:
        return False


class SndfileDecoder:
    """Raises AudioUnreadable where libsndfile can't open the file or isn't the one to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("rb")
        try:
            # As a descriptor: a path's suffix would make soundfile take some files for headerless samples.
            self._sound = StraightFile(self._file.fileno(), closefd=False)
        except soundfile.LibsndfileError as error:
            self._file.close()
            raise AudioUnreadable(f"libsndfile: {error.error_string}") from error
        self.failure: str | None = None
        self.passed_damage = False
        try:
            self.info = self._describe()
        except BaseException:
            self.close()
            raise

    def blocks(self) -> Iterator[Block]:
        frames = 0
        for block in self._own_blocks():
            frames += len(block)
            yield block
        if self._sound.format == RESCUED and (self.failure or self._lacks(frames)):
            yield from self._rescue(frames)

    def close(self) -> None:
        self._sound.close()
        self._file.close()

    def _own_blocks(self) -> Iterator[Block]:
        """All in one buffer: the pages of a new one for each cost some per cent of decoding."""
        kind = "int16" if self._sound.subtype in INTEGERS else "float32"
        buffer: Block = np.empty((BLOCK_FRAMES, self._sound.channels), dtype=kind)
        while True:
            try:
                frames = self._sound.buffer_read_into(buffer, dtype=kind)
            except soundfile.LibsndfileError as error:
                self.failure = f"libsndfile: {error.error_string or 'decoding failed'}"
                return
            if frames == 0:
                return
            yield buffer[:frames]

    def _rescue(self, frames: int) -> Iterator[Block]:
        """What ffmpeg can decode from frame `frames` on."""
        with suppress(AudioUnreadable):  # then there is no more, and `failure` or the missing length says so
            rescuer = AvDecoder(self._path)
            try:
                if rescuer.info.sampling_rate_hz == self.info.sampling_rate_hz:
                    yield from rescuer.blocks_from(frames)
                    self.passed_damage = rescuer.reached_end
                    self.failure = rescuer.failure or self.failure
            finally:
                rescuer.close()

    def _lacks(self, frames: int) -> bool:
        declared = self.info.duration_s if self.info.duration_is_exact else None
        return declared is not None and declared - frames / self.info.sampling_rate_hz > MISSING_S

    def _describe(self) -> AudioInfo:
        sound = self._sound
        if sound.format not in CONTAINERS:
            raise AudioUnreadable(f"libsndfile takes it for {sound.format_info}")
        frames = _declared_frames(sound)
        exact = sound.format != "MP3" or _counts_frames(self._path)
        return AudioInfo(
            container=sound.format,
            sampling_rate_hz=sound.samplerate,
            channels=sound.channels,
            duration_s=None if frames is None else frames / max(1, sound.samplerate),
            duration_is_exact=exact and frames is not None,
            float_pcm=sound.subtype in {"FLOAT", "DOUBLE"},
        )


def _declared_frames(sound: soundfile.SoundFile) -> int | None:
    """The frames that the header promises; libsndfile itself counts those that the file can hold."""
    frames = int(sound.frames)
    if frames >= 1 << 62:  # SF_COUNT_MAX: unknown
        return None
    log = sound.extra_info
    if rf64 := SHORT_RF64.search(log):
        return max(int(rf64[2]), frames)
    if chunk := SHORT_CHUNK.search(log):
        promised, held = int(chunk[1]), int(chunk[2])
        if held < promised < UNKNOWN_BYTES:
            return round(frames * promised / max(1, held))
    return frames


def _counts_frames(path: Path) -> bool:
    """Whether an MP3 tells its length (a Xing, Info or VBRI header in its first frame); else it is guessed."""
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            # The tag's size: four bytes of seven bits (id3.org, ID3v2.4 3.1).
            size = sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
            file.seek(10 + size)
        first = file.read(4096)
    return any(mark in first for mark in (b"Xing", b"Info", b"VBRI"))
