"""A recording's peaks, for the waveform that players draw: gathered from the blocks that pass by on their way to the
cutter, in memory that doesn't grow, and the same however the stream is split into blocks.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from jobs.waveform import Waveform

Samples = NDArray[np.float32]

#: a row's numbers: more than a wide screen has columns, 16 kB as JSON
MOST = 4096
#: what one number stands for at first, in seconds; twice as much whenever a row is full
STEP_S = 0.01
#: full scale of a number
TOP = 255


class Peaks:
    """Rows of peaks, one for each stream that was gone through."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._rows: list[_Row] = []

    def of(self, blocks: Iterator[Samples]) -> Iterator[Samples]:
        """The blocks as they are; once they are through, their peaks are a row."""
        row = _Row(max(1, round(STEP_S * self._rate_hz)))
        self._rows.append(row)
        for block in blocks:
            row.add(block)
            yield block

    def waveform(self) -> Waveform:
        first = self._rows[0]
        rows = [row.peaks() for row in self._rows]
        peak = max(float(row.max(initial=0)) for row in rows)
        scale = TOP / peak if peak else 0.0
        return Waveform(
            duration_s=first.samples / self._rate_hz,
            step_s=first.step / self._rate_hz,
            peak=round(peak, 6),
            channels=[np.rint(row * scale).astype(int).tolist() for row in rows],
        )


class _Row:
    """The loudest sample of each `step` samples. Channels of one file are equally long, and so are their steps."""

    def __init__(self, step: int) -> None:
        self.step = step
        self.samples = 0
        self._peaks = np.zeros(MOST, dtype=np.float32)

    def add(self, block: Samples) -> None:
        if not len(block):
            return
        begin, end = self.samples, self.samples + len(block)
        while end > MOST * self.step:
            self._halve()
        first = begin // self.step
        starts = np.arange(first * self.step, end, self.step) - begin
        starts[0] = 0
        heard = np.maximum(np.maximum.reduceat(block, starts), -np.minimum.reduceat(block, starts))
        here = self._peaks[first : first + len(heard)]
        np.maximum(here, heard, out=here)
        self.samples = end

    def peaks(self) -> Samples:
        return self._peaks[: -(-self.samples // self.step)]

    def _halve(self) -> None:
        """Each two become one."""
        self.step *= 2
        self._peaks[: MOST // 2] = self._peaks.reshape(-1, 2).max(axis=1)
        self._peaks[MOST // 2 :] = 0
