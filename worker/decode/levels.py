"""How loud a recording is: its peak and the share of its samples that are clipped."""

import math
from collections.abc import Iterator

import numpy as np

from worker.decode.block import Block, full_scale
from worker.decode.notices import Notice, clipped, silent

#: 16-bit full scale is 32767/32768 upwards and -1 downwards; one step of tolerance
FULL_SCALE = 32766 / 32768
#: speech that was normalised to full scale touches it a few times a minute; clipped speech many times a second
CLIPPED_SHARE = 1e-3
#: -60 dBFS: the dither and noise of an open line stay below, the quietest usable speech stays above
SILENT_PEAK = 1e-3


class Levels:
    """Fed with every block before the downmix, since one clipped channel of two is clipped audio."""

    def __init__(self, *, float_pcm: bool) -> None:
        """float_pcm: such files may go beyond full scale, and then nothing is clipped there."""
        self._float_pcm = float_pcm
        self._peak = 0.0
        self._full = 0
        self._samples = 0

    def add(self, block: Block) -> float:
        """The block's peak: not finite where one of its samples isn't (numpy's extremes hand NaN on)."""
        scale = full_scale(block)
        peak = max(float(block.max()), -float(block.min())) / scale if block.size else 0.0
        self._peak = max(self._peak, peak)
        self._samples += block.size
        if peak >= FULL_SCALE:
            full = FULL_SCALE * scale
            self._full += int(np.count_nonzero(block >= full) + np.count_nonzero(block <= -full))
        return peak

    def notices(self) -> Iterator[Notice]:
        beyond = self._float_pcm and self._peak > 1.0
        share = self._full / max(1, self._samples)
        if share >= CLIPPED_SHARE and not beyond:
            yield clipped(share)
        if self._peak < SILENT_PEAK:
            yield silent(20 * math.log10(self._peak) if self._peak else -math.inf)
