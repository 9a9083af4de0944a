"""A window's tokens as runs of equal frames, and their packed form in the ledger.

Packed, little-endian, column after column: one byte that says how wide an id is (2 or 4), then for n runs the ids, the
lengths in frames (one byte each; a longer run is several) and the confidences (one byte each, 255 is 1.0). At two runs
a character and five characters a second, a 20 s window takes 800 bytes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

#: the longest run that one packed entry holds, in frames: its length is one byte
LONGEST_PACKED_FRAMES = 255
CONFIDENCE_STEPS = 255


@dataclass(frozen=True, slots=True)
class Runs:
    """Stretches of frames with one token each, blanks included, in order; three columns of one length.

    ids: token ids. lengths: frames, 1 at least. confidences: mean over the run's frames, 0 to 1.
    """

    ids: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]

    @classmethod
    def of_frames(cls, ids: npt.NDArray[np.integer], confidences: npt.NDArray[np.floating]) -> Self:
        """The runs of one token id and one confidence per frame."""
        frames = np.ones(len(ids), np.int64)
        return cls(ids.astype(np.int64), frames, confidences.astype(np.float64)).merged()

    @classmethod
    def joined(cls, parts: Iterable["Runs"]) -> Self:
        """All parts one after another, equal neighbours at the seams still apart."""
        columns = [(part.ids, part.lengths, part.confidences) for part in parts]
        if not columns:
            return cls(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
        ids, lengths, confidences = (np.concatenate(column) for column in zip(*columns, strict=True))
        return cls(ids, lengths, confidences)

    def merged(self) -> Self:
        """Equal neighbours as one run, its confidence the mean over all frames."""
        if len(self.ids) == 0:
            return self
        starts = np.flatnonzero(np.concatenate(([True], self.ids[1:] != self.ids[:-1])))
        lengths = np.add.reduceat(self.lengths, starts)
        weighted = np.add.reduceat(self.confidences * self.lengths, starts)
        return type(self)(self.ids[starts], lengths, weighted / lengths)

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
        return bytes([width]) + ids.astype(f"<u{width}").tobytes() + lengths.tobytes() + levels.tobytes()

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """What `pack` wrote, long runs in several pieces; raises ValueError for bytes that it can't have written."""
        width = payload[0] if payload else 0
        count, rest = divmod(len(payload) - 1, width + 2)
        if width not in {2, 4} or rest:
            raise ValueError(f"these {len(payload)} bytes are no packed runs")
        ids = np.frombuffer(payload, f"<u{width}", count, 1)
        lengths = np.frombuffer(payload, np.uint8, count, 1 + count * width)
        levels = np.frombuffer(payload, np.uint8, count, 1 + count * (width + 1))
        return cls(ids.astype(np.int64), lengths.astype(np.int64), levels / CONFIDENCE_STEPS)
