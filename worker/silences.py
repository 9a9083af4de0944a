"""The silence rule: which long silences of a stream are left out. Pure arithmetic, no input or output.

Between the last frame of speech before it and the first one after it, a silence that is long enough is left out but for
a margin at each of its sides that borders on speech. Its ends lie on the grid of the model's frames.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from jobs.job import JobRequest
from jobs.model import ModelSpec
from worker.speech import FRAME_SAMPLES, Mask

#: a longer silence is left out piece after piece, so that what is known of it gets into the ledger
PIECE_S = 60.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Samples [start, stop) of the audio; silent ones are left out. Stretches lie end to end.

    Those that aren't silent and touch each other belong together.
    """

    start: int
    stop: int
    silent: bool


@dataclass(frozen=True, slots=True)
class SilenceRule:
    """In samples at the model's rate: the shortest silence that is left out, what is kept of it on a side, the grid."""

    shortest: int
    margin: int
    hop: int
    piece: int

    @classmethod
    def of_request(cls, request: JobRequest, spec: ModelSpec) -> Self:
        """For a job's options. What is kept is never too short for a window; a silence is longer than its margins."""
        hop, rate = spec.hop_samples, spec.sampling_rate_hz
        margin = _up(max(round(request.silence_margin_s * rate), spec.receptive_field_samples), hop)
        shortest = max(round(request.silence_s * rate), 2 * (margin + hop))
        return cls(shortest, margin, hop, _up(round(PIECE_S * rate), hop))


class SilenceFinder:
    """Fed with what the detector says of each frame; gives the stretches as soon as they are certain."""

    def __init__(self, rule: SilenceRule) -> None:
        self._rule = rule
        self._given = 0  # stretches end here
        self._frames = 0
        #: after the last speech so far; 0: there was none
        self._spoken_until = 0
        self._is_out = False  # within a silence that is long enough

    def feed(self, speech: Mask) -> Iterator[Stretch]:
        """The next frames."""
        yield from self._take(speech)
        yield from self._silence(self._frames * FRAME_SAMPLES)

    def finish(self, speech: Mask, total: int) -> Iterator[Stretch]:
        """The last frames, of which the last one may reach beyond the end of the audio, after `total` samples."""
        yield from self._take(speech)
        yield from self._silence(total)
        yield from self._until(total)

    def _take(self, speech: Mask) -> Iterator[Stretch]:
        for frame in np.flatnonzero(speech).tolist():
            yield from self._speech((self._frames + frame) * FRAME_SAMPLES)
        self._frames += len(speech)

    def _speech(self, start: int) -> Iterator[Stretch]:
        """A frame of speech starts here."""
        yield from self._silence(start)
        if self._is_out:
            yield from self._until(max(self._given, _down(start - self._rule.margin, self._rule.hop)))
            self._is_out = False
        self._spoken_until = start + FRAME_SAMPLES

    def _silence(self, until: int) -> Iterator[Stretch]:
        """Nothing was said from the last speech until here."""
        rule = self._rule
        if not self._is_out and until - self._spoken_until >= rule.shortest:
            yield from self._until(self._opening())
            self._is_out = True
        if not self._is_out:
            yield from self._until(min(self._opening(), _down(until, rule.hop)))
        # Should speech begin now, a margin before it is kept.
        while self._is_out and self._given + rule.piece <= until - rule.margin:
            yield from self._until(self._given + rule.piece)

    def _opening(self) -> int:
        """Where the silence after the last speech would begin to be left out."""
        return _up(self._spoken_until + self._rule.margin, self._rule.hop) if self._spoken_until else 0

    def _until(self, stop: int) -> Iterator[Stretch]:
        if stop > self._given:
            yield Stretch(self._given, stop, self._is_out)
            self._given = stop


def _up(samples: int, hop: int) -> int:
    return -(-samples // hop) * hop


def _down(samples: int, hop: int) -> int:
    return samples // hop * hop
