"""The window rule: where a stream of samples is cut into windows. Pure arithmetic, no input or output.

A window reads [start, stop) and keeps [cut_start, cut_stop); the kept stretches lie end to end. What comes out doesn't
depend on how the stream is split into blocks, and a cutter that resumes behind the last known window goes on alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jobs.errors import WindowTooShort
from jobs.model import ModelSpec
from jobs.settings import Cutting
from jobs.window import MIN_KEPT_SHARE, Window

#: how long a pause must be quiet
PAUSE_S = 0.2
#: a pause has at most this share of the window's mean power (-17 dB)
PAUSE_POWER = 0.02
#: a dip between phrases has at most this share (-6 dB); above it there is no better place than another
DIP_POWER = 0.25
#: Which last part of a window is searched, and what will do there. Late first: each window's context is computed for
#: nothing, and windows of like length waste little in a batch (docs/decisions/window-rule.md).
SEARCHES = ((0.15, PAUSE_POWER), (1 / 3, DIP_POWER))
#: Whisper invents text for a shorter rest (no source gives a length; one second holds a word)
MIN_WHISPER_S = 1.0

Samples = NDArray[np.float32]


class CutWindow(NamedTuple):
    """samples None: a silence that is left out (worker/skipping.py)."""

    window: Window
    samples: Samples | None


@dataclass(frozen=True, slots=True)
class Geometry:
    """Lengths in samples at the model's rate, multiples of `hop` but for `shortest` and `padded_to`.

    left and right: context of an inner window. latest: the last place, from a window's start, for its closing cut.
    shortest: no window may be shorter; padded_to: a shorter rest of the file is filled up with zeros (0: never).
    """

    hop: int
    window: int
    left: int
    right: int
    latest: int
    padded_to: int


#: finds the closing cut of an inner window, as an offset from its start, in the window's `Geometry.window` samples
Chooser = Callable[[Samples], int]


@dataclass(frozen=True, slots=True)
class Rule:
    geometry: Geometry
    choose: Chooser


def make_rule(spec: ModelSpec, cutting: Cutting, *, window_s: float, context_s: float) -> Rule:
    """The rule for a job's options; raises WindowTooShort where the context leaves no room."""
    window_s = min(window_s, spec.max_window_s)
    make = _fixed if cutting == "fixed" else _silence
    rule = make(spec, window_s, context_s)
    geometry = rule.geometry
    if geometry.latest - geometry.left < max(geometry.hop, MIN_KEPT_SHARE * geometry.window):
        raise WindowTooShort(f"windows of {window_s:g} s with {context_s:g} s of context on each side keep too little")
    return rule


def _fixed(spec: ModelSpec, window_s: float, context_s: float) -> Rule:
    """What transformers' `chunk_iter` does for chunk_length_s=window_s and stride_length_s=context_s.

    (5.23, pipelines/automatic_speech_recognition.py: lengths are rounded, half to even, to the model's
    inputs_to_logits_ratio, which Whisper doesn't have.)
    """
    hop = spec.hop_samples if spec.family == "ctc" else 1
    window = round(window_s * spec.sampling_rate_hz / hop) * hop
    context = round(context_s * spec.sampling_rate_hz / hop) * hop
    cut = window - context
    return Rule(Geometry(hop, window, context, context, cut, _padded_to(spec)), lambda _: cut)


def _silence(spec: ModelSpec, window_s: float, context_s: float) -> Rule:
    """Cut in pauses. For CTC by FACTS.md: all on the grid of frames, right context of at least RF - H.

    Whisper decodes each window by itself, so its windows don't overlap.
    """
    hop, rate = spec.hop_samples, spec.sampling_rate_hz
    window = int(window_s * rate) // hop * hop
    if spec.family == "ctc":
        shortest = spec.receptive_field_samples
        left = _up(round(context_s * rate), hop)
        right = max(left, _up(shortest - hop, hop))
    else:
        shortest, left, right = round(MIN_WHISPER_S * rate), 0, 0
    # The rest of the file, whatever its length, must make a window that isn't too short.
    latest = window - max(right, _up(shortest - left, hop))
    geometry = Geometry(hop, window, left, right, latest, _padded_to(spec))
    return Rule(geometry, PauseFinder(geometry, rate))


def _padded_to(spec: ModelSpec) -> int:
    """CTC models raise on less than one receptive field; Whisper fills up by itself."""
    return spec.receptive_field_samples if spec.family == "ctc" else 0


def _up(samples: int, hop: int) -> int:
    return max(0, -(-samples // hop)) * hop


class PauseFinder:
    """Chooses the middle of the quietest 0.2 s: late in the window if that is a pause, else earlier, back to its last
    third; and the latest place where there is no dip at all. Power is compared with the window's mean, so loudness
    doesn't matter.
    """

    def __init__(self, geometry: Geometry, sampling_rate_hz: int) -> None:
        self._geometry = geometry
        hops = geometry.window // geometry.hop
        self._pause_hops = max(1, min(round(PAUSE_S * sampling_rate_hz / geometry.hop), hops))
        self._latest = geometry.latest // geometry.hop
        # A cut must leave the next window ahead of this one's own opening cut.
        self._earliest = geometry.left // geometry.hop + 1
        # No search looks at stretches that begin before this hop.
        first = round(hops * (1 - max(zone for zone, _ in SEARCHES))) - self._pause_hops // 2
        self._searched = max(0, min(first, hops - self._pause_hops))

    def __call__(self, samples: Samples) -> int:
        geometry = self._geometry
        rows = samples.reshape(-1, geometry.hop)
        power = np.einsum("ij,ij->i", rows, rows).astype(np.float64)
        # quiet[j] is the power of the pause_hops hops from searched + j on, per hop
        quiet = np.lib.stride_tricks.sliding_window_view(power[self._searched :], self._pause_hops).mean(axis=1)
        mean = float(power.mean())
        for zone, limit in SEARCHES:
            cut = self._quietest(quiet, round(len(power) * (1 - zone)))
            if cut is not None and quiet[cut - self._pause_hops // 2 - self._searched] <= limit * mean:
                return cut * geometry.hop
        return geometry.latest

    def _quietest(self, quiet: NDArray[np.float64], first: int) -> int | None:
        """The hop in [first, latest] in the middle of the quietest stretch, the last of equals."""
        half = self._pause_hops // 2
        low = max(first, self._earliest, half) - half
        high = min(self._latest - half, self._searched + len(quiet) - 1)
        if low > high:
            return None
        candidates = quiet[low - self._searched : high + 1 - self._searched]
        return high - int(np.argmin(candidates[::-1])) + half


class Cutter:
    """Takes samples from the start of the audio, gives each window as soon as it is determined.

    index, cut_start: where to go on (the number of windows known, and where the last one's kept stretch ends).
    """

    def __init__(self, rule: Rule, *, index: int = 0, cut_start: int = 0) -> None:
        self._rule = rule
        self._index = index
        self._cut_start = cut_start
        self._received = 0
        self._buffer: Samples = np.empty(0, dtype=np.float32)  # from start_sample on
        self._blocks: list[Samples] = []
        self._waiting = 0

    @property
    def windows(self) -> int:
        """The number of windows so far, those before this cutter's included."""
        return self._index

    @property
    def start_sample(self) -> int:
        """Where the next window starts; earlier samples are dropped."""
        return max(0, self._cut_start - self._rule.geometry.left)

    @property
    def total_samples(self) -> int:
        """Once finished: where the last window's kept stretch ends."""
        return self._cut_start

    def feed(self, block: Samples) -> list[CutWindow]:
        """The next samples of the audio; returns the windows that they determine."""
        fresh = block[max(0, self.start_sample - self._received) :]
        self._received += len(block)
        if len(fresh):  # a slice of nothing would still hold the block
            self._blocks.append(fresh)
            self._waiting += len(fresh)
        # One sample more than a window must be known: only then it isn't the last.
        if len(self._buffer) + self._waiting <= self._rule.geometry.window:
            return []
        self._join()
        windows = []
        while len(self._buffer) > self._rule.geometry.window:
            windows.append(self._inner())
        return windows

    def finish(self) -> list[CutWindow]:
        """The audio has ended; returns the last window, unless it was known or there is no audio."""
        if self._received <= self._cut_start:
            return []
        self._join()
        samples = self._buffer
        if len(samples) < self._rule.geometry.padded_to:
            samples = np.pad(samples, (0, self._rule.geometry.padded_to - len(samples)))
        return [self._emit(samples, closing=0)]

    def _inner(self) -> CutWindow:
        cut = self._rule.choose(self._buffer[: self._rule.geometry.window])
        stop = cut + self._rule.geometry.right
        return self._emit(self._buffer[:stop], closing=self._rule.geometry.right)

    def _emit(self, samples: Samples, closing: int) -> CutWindow:
        start = self.start_sample
        window = Window(self._index, start, start + len(samples), self._cut_start - start, closing)
        self._index += 1
        self._cut_start = window.cut_stop
        self._buffer = self._buffer[self.start_sample - start :]
        return CutWindow(window, samples)

    def _join(self) -> None:
        self._buffer = np.concatenate((self._buffer, *self._blocks))
        self._blocks.clear()
        self._waiting = 0
