"""How far two runs of a CTC model on the same windows say the same: frame by frame, and token by token."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import jiwer
import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]

#: tokens are compared as characters, of a plane that no text uses
FIRST_CHARACTER = 0xF0000


@dataclass(frozen=True, slots=True)
class Agreement:
    """frames: of those to which either run gives a token other than the blank, the share with the same token.

    tokens: 1 − the edit distance of the collapsed tokens ÷ their number.
    """

    frames: float
    tokens: float

    @classmethod
    def of(cls, ours: Sequence[Ids], reference: Sequence[Ids], *, blank_id: int) -> Self:
        """Each a list of windows, of one token for each frame."""
        our_frames, their_frames = np.concatenate(ours), np.concatenate(reference)
        spoken = (our_frames != blank_id) | (their_frames != blank_id)
        same = float((our_frames == their_frames)[spoken].mean())
        wrong = jiwer.cer(*([_letters(ids, blank_id) for ids in side] for side in (reference, ours)))
        return cls(same, 1 - float(wrong))


def _letters(ids: Ids, blank_id: int) -> str:
    changed = np.concatenate(([True], ids[1:] != ids[:-1]))
    return "".join(chr(FIRST_CHARACTER + token) for token in ids[changed & (ids != blank_id)].tolist())
