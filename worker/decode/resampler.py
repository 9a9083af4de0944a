"""From the file's rate to the model's, by soxr, streamed: equal, bit for bit, to resampling all at once."""

import numpy as np
import soxr
from numpy.typing import NDArray

#: 20 bits of precision, more than 16-bit samples hold; VHQ costs twice as much for nothing that a model hears
QUALITY = "HQ"


class Resampler:
    """Mono float32. With equal rates the samples pass through untouched."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1, "float32", QUALITY)

    def feed(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        return block if self._stream is None else self._run(block, last=False)

    def finish(self) -> NDArray[np.float32]:
        """The samples that the filter still holds; once, at the end."""
        nothing = np.empty(0, dtype=np.float32)
        return nothing if self._stream is None else self._run(nothing, last=True)

    def _run(self, block: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        assert self._stream is not None  # noqa: S101  # callers checked
        resampled: NDArray[np.float32] = self._stream.resample_chunk(np.ascontiguousarray(block), last)
        return resampled
