"""A window's tokens as runs of equal frames, and their packed form in the ledger.

Packed, little-endian, and deflated (RFC 1950): one byte that says how wide an id is (2 or 4), the number n of runs
(four bytes), then column after column the runs' ids, their lengths in frames (one byte each; a longer run is several)
and their confidences (one byte each, 255 is 1.0); last the frames in which something is heard, a bit each. A 20 s
window of speech takes some 500 bytes.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

#: the longest run that one packed entry holds, in frames: its length is one byte
LONGEST_PACKED_FRAMES = 255
CONFIDENCE_STEPS = 255
#: the fastest: 20 µs a window, and half of the bytes
DEFLATE_LEVEL = 1
#: width of an id, number of runs
HEAD = struct.Struct("<BI")


@dataclass(frozen=True, slots=True)
class Runs:
    """Stretches of frames with one token each, blanks included, in order; three columns of one length.

    ids: token ids. lengths: frames, 1 at least. confidences: mean over the run's frames, 0 to 1. loud: of each frame,
    whether something is heard in it (worker/loudness.py).
    """

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    loud: npt.NDArray[np.bool_]

    @classmethod
    def of_frames(
        cls,
        ids: npt.NDArray[np.integer],
        confidences: npt.NDArray[np.floating],
        loud: npt.NDArray[np.bool_] | None = None,
    ) -> Self:
        """The runs of one token id and one confidence per frame; where it isn't known, nothing is heard."""
        frames = np.ones(len(ids), np.int64)
        heard = np.zeros(len(ids), np.bool_) if loud is None else loud
        return cls(ids.astype(np.int64), frames, confidences.astype(np.float64), heard).merged()

    @classmethod
    def same(cls, token: int, frames: int) -> Self:
        """So many frames of one token, sure of it, in which nothing is heard."""
        return cls.of_frames(np.full(frames, token), np.ones(frames))

    @classmethod
    def joined(cls, parts: Iterable["Runs"]) -> Self:
        """All parts one after another, equal neighbours at the seams still apart."""
        columns = [(part.ids, part.lengths, part.confidences, part.loud) for part in parts]
        if not columns:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))
        ids, lengths, confidences, loud = (np.concatenate(column) for column in zip(*columns, strict=True))
        return cls(ids, lengths, confidences, loud)

    def merged(self) -> Self:
        """Equal neighbours as one run, its confidence the mean over all frames."""
        if len(self.ids) == 0:
            return self
        starts = np.flatnonzero(np.concatenate(([True], self.ids[1:] != self.ids[:-1])))
        lengths = np.add.reduceat(self.lengths, starts)
        weighted = np.add.reduceat(self.confidences * self.lengths, starts)
        return type(self)(self.ids[starts], lengths, weighted / lengths, self.loud)

    @property
    def frames(self) -> int:
        return int(self.lengths.sum())

    def pack(self) -> bytes:
        """The bytes that the ledger keeps; raises ValueError for ids that four bytes can't hold."""
        pieces = -(-self.lengths // LONGEST_PACKED_FRAMES)
        ids, confidences = np.repeat(self.ids, pieces), np.repeat(self.confidences, pieces)
        lengths = np.full(len(ids), LONGEST_PACKED_FRAMES, np.uint8)
        ends = np.cumsum(pieces) - 1
        lengths[ends] = self.lengths - (pieces - 1) * LONGEST_PACKED_FRAMES
        width = 2 if ids.max(initial=0) <= np.iinfo(np.uint16).max else 4
        if ids.min(initial=0) < 0 or ids.max(initial=0) > np.iinfo(np.uint32).max:
            raise ValueError("a token id is negative or needs more than four bytes")
        levels = np.rint(np.clip(confidences, 0, 1) * CONFIDENCE_STEPS).astype(np.uint8)
        columns = (ids.astype(f"<u{width}"), lengths, levels, np.packbits(self.loud))
        plain = HEAD.pack(width, len(ids)) + b"".join(column.tobytes() for column in columns)
        return zlib.compress(plain, DEFLATE_LEVEL)

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """What `pack` wrote, long runs in several pieces; raises ValueError for bytes that it can't have written."""
        try:
            plain = zlib.decompress(payload)
            width, count = HEAD.unpack_from(plain)
        except (zlib.error, struct.error) as error:
            raise ValueError(f"these {len(payload)} bytes are no packed runs") from error
        edges = np.cumsum([HEAD.size, count * width, count, count]).tolist()
        if width not in {2, 4} or len(plain) < edges[-1]:
            raise ValueError(f"these {len(payload)} bytes are no packed runs")
        ids = np.frombuffer(plain, f"<u{width}", count, edges[0])
        lengths = np.frombuffer(plain, np.uint8, count, edges[1]).astype(np.int64)
        levels = np.frombuffer(plain, np.uint8, count, edges[2])
        frames = int(lengths.sum())
        bits = np.frombuffer(plain, np.uint8, offset=edges[3])
        if len(bits) != -(-frames // 8):
            raise ValueError(f"these {len(payload)} bytes are no packed runs of {frames} frames")
        loud = np.unpackbits(bits, count=frames).astype(np.bool_)
        return cls(ids.astype(np.int64), lengths, levels / CONFIDENCE_STEPS, loud)
