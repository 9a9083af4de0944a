"""What Whisper generated for one window, and its packed form in the ledger.

Packed, little-endian: one byte that says how wide a time is (0 for none, 4 or 8), then n token ids of four bytes, then
n times. 448 tokens, the most that Whisper generates for a window, take 1,793 bytes without times.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Generated:
    """tokens: ids as `generate` gave them, specials included. times_s: each token's end, where words were asked for."""

    tokens: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64] | None

    def pack(self) -> bytes:
        tokens = self.tokens.astype("<u4").tobytes()
        if self.times_s is None:
            return b"\x00" + tokens
        # transformers computes single precision; should it ever give more, nothing is lost.
        width = 4 if np.array_equal(self.times_s.astype(np.float32), self.times_s) else 8
        return bytes([width]) + tokens + self.times_s.astype(f"<f{width}").tobytes()

    @classmethod
    def unpack(cls, payload: bytes) -> Self:
        """What `pack` wrote; raises ValueError for bytes that it can't have written."""
        width = payload[0] if payload else -1
        count, rest = divmod(len(payload) - 1, width + 4)
        if width not in {0, 4, 8} or rest:
            raise ValueError(f"these {len(payload)} bytes are no packed tokens")
        tokens = np.frombuffer(payload, "<u4", count, 1).astype(np.int64)
        if not width:
            return cls(tokens, None)
        return cls(tokens, np.frombuffer(payload, f"<f{width}", count, 1 + 4 * count).astype(np.float64))
