"""A cutter that leaves long silences out: what is between them is cut as if each were a recording by itself."""

from collections.abc import Iterable

import numpy as np

from jobs.window import Window
from worker.cutting import Cutter, CutWindow, Rule, Samples
from worker.silences import SilenceFinder, SilenceRule, Stretch
from worker.speech import SpeechDetector


class SkippingCutter:
    """As a Cutter, but fed from the start in any case. A silence that is left out is a window without samples.

    index, cut_start: the windows known, and where they end; they are not given again.
    """

    def __init__(
        self, rule: Rule, silence: SilenceRule, detector: SpeechDetector, *, index: int = 0, cut_start: int = 0
    ) -> None:
        self._rule = rule
        self._detector = detector
        self._finder = SilenceFinder(silence)
        self._index = index
        self._reached = cut_start
        self._received = 0
        self._held: list[Samples] = []  # those received that no stretch has come for yet
        #: cuts what lies between two silences; starts at _start
        self._cutter: Cutter | None = None
        self._start = 0

    @property
    def windows(self) -> int:
        """The number of windows so far, those known before included."""
        return self._index

    @property
    def total_samples(self) -> int:
        """Once finished: where the last window's kept stretch ends."""
        return self._reached

    def feed(self, block: Samples) -> list[CutWindow]:
        """The next samples of the audio; returns the windows that they determine."""
        self._received += len(block)
        self._held.append(block)
        speech = self._detector.feed(block)
        return self._take_all(self._finder.feed(speech)) if len(speech) else []

    def finish(self) -> list[CutWindow]:
        """The audio has ended; returns what is left."""
        found = self._take_all(self._finder.finish(self._detector.finish(), self._received))
        return found + self._close()

    def _take_all(self, stretches: Iterable[Stretch]) -> list[CutWindow]:
        held, found = np.concatenate(self._held) if self._held else np.empty(0, np.float32), []
        for stretch in stretches:
            length = stretch.stop - stretch.start
            found += self._take(stretch, held[:length])
            held = held[length:]
        self._held = [held]
        return found

    def _take(self, stretch: Stretch, samples: Samples) -> list[CutWindow]:
        if stretch.silent:
            return self._close() + self._leave_out(stretch)
        if self._cutter is None:
            self._start = stretch.start
            self._cutter = Cutter(self._rule, index=self._index, cut_start=max(0, self._reached - stretch.start))
        return self._placed(self._cutter.feed(samples))

    def _close(self) -> list[CutWindow]:
        """What lies before a silence, or before the end, is complete."""
        cutter, self._cutter = self._cutter, None
        return self._placed(cutter.finish()) if cutter is not None else []

    def _placed(self, cuts: list[CutWindow]) -> list[CutWindow]:
        placed = [CutWindow(cut.window.moved(self._start), cut.samples) for cut in cuts]
        if placed:
            self._index, self._reached = self._index + len(placed), placed[-1].window.cut_stop
        return placed

    def _leave_out(self, stretch: Stretch) -> list[CutWindow]:
        start = max(stretch.start, self._reached)
        if start >= stretch.stop:
            return []
        window = Window(self._index, start, stretch.stop, 0, 0)
        self._index, self._reached = self._index + 1, stretch.stop
        return [CutWindow(window, None)]
