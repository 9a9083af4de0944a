"""Cuts a transcript's tokens into segments at pauses, and into words at spaces.

A segment ends where nothing is heard for a while, and where it would grow past what one reads in one go; then it is
cut at its longest pause. A cut never falls inside a word of a script with spaces.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.loudness import heard_from, heard_until
from worker.stitch import Tokens
from worker.vocabulary import Vocabulary

#: from the end of a character to the start of the next. CTC ends a character early, so that 5 characters a second
#: leave about 0.15 s between them and slow speech 0.4 s.
PAUSE_S = 0.6
#: subtitles rarely stay longer; two lines of Chinese hold about 40 characters, of English 84
LONGEST_S = 12.0
LONGEST_CHARS = 80


@dataclass(frozen=True, slots=True)
class Stretch:
    """Tokens [first, stop) of a transcript."""

    first: int
    stop: int


def segment_stretches(tokens: Tokens, vocabulary: Vocabulary, frame_s: float) -> list[Stretch]:
    """The segments, in order; spaces at their edges are left out. frame_s: seconds a frame."""
    if not len(tokens):
        return []
    gaps_s = (tokens.start_frames[1:] - tokens.stop_frames[:-1]) * frame_s
    joins = vocabulary.joins[tokens.ids]
    gaps_s = np.where(joins[1:] & joins[:-1], -1.0, gaps_s)
    edges = [0, *(np.flatnonzero(gaps_s >= PAUSE_S) + 1).tolist(), len(tokens)]
    spaces = vocabulary.is_space[tokens.ids]
    found: list[Stretch] = []
    for first, stop in pairwise(edges):
        for part in _short_enough(tokens, gaps_s, Stretch(first, stop), frame_s):
            found.extend(_without_edges(part, spaces))
    return found


def heard_edges(tokens: Tokens, segments: list[Stretch], frame_s: float) -> list[tuple[int, int]]:
    """For each segment the frame from which, and the frame up to which, it is heard; none reaches into the next."""
    edges: list[tuple[int, int]] = []
    starts = [int(tokens.start_frames[part.first]) for part in segments]
    for part, start, following in zip(segments, starts, [*starts, len(tokens.loud)][1:], strict=True):
        free_from = edges[-1][1] if edges else 0
        begin = heard_from(tokens.loud, start, not_before=free_from, frame_s=frame_s)
        stop = int(tokens.stop_frames[part.stop - 1])
        edges.append((begin, heard_until(tokens.loud, stop, not_after=max(stop, following), frame_s=frame_s)))
    return edges


def word_stretches(tokens: Tokens, vocabulary: Vocabulary, segments: list[Stretch]) -> list[Stretch]:
    """The runs of characters between spaces; a script without spaces has one for each segment."""
    spaces = vocabulary.is_space[tokens.ids]
    found: list[Stretch] = []
    for segment in segments:
        within = np.flatnonzero(spaces[segment.first : segment.stop]) + segment.first
        edges = [segment.first - 1, *within.tolist(), segment.stop]
        found.extend(Stretch(before + 1, after) for before, after in pairwise(edges) if after - before > 1)
    return found


def _short_enough(tokens: Tokens, gaps_s: NDArray[np.floating], whole: Stretch, frame_s: float) -> Iterator[Stretch]:
    """The stretch itself, or its parts after cuts at the longest pauses; what has no allowed cut stays whole."""
    waiting = [whole]
    while waiting:
        stretch = waiting.pop()
        cut = _best_cut(gaps_s, stretch) if _too_long(tokens, stretch, frame_s) else None
        if cut is None:
            yield stretch
        else:
            waiting += [Stretch(cut, stretch.stop), Stretch(stretch.first, cut)]


def _too_long(tokens: Tokens, stretch: Stretch, frame_s: float) -> bool:
    frames = tokens.stop_frames[stretch.stop - 1] - tokens.start_frames[stretch.first]
    return stretch.stop - stretch.first > LONGEST_CHARS or float(frames) * frame_s > LONGEST_S


def _best_cut(gaps_s: NDArray[np.floating], stretch: Stretch) -> int | None:
    """Before which token: the longest pause of the middle half, so that no part is a crumb; else of all of it."""
    quarter = (stretch.stop - stretch.first) // 4
    for margin in (quarter, 0):
        inner = gaps_s[stretch.first + margin : stretch.stop - 1 - margin]
        if len(inner) and inner.max() >= 0:
            return stretch.first + margin + int(inner.argmax()) + 1
    return None


def _without_edges(stretch: Stretch, spaces: NDArray[np.bool_]) -> Iterator[Stretch]:
    """The stretch without spaces at its ends; nothing where it is only spaces."""
    spoken = np.flatnonzero(~spaces[stretch.first : stretch.stop])
    if len(spoken):
        yield Stretch(stretch.first + int(spoken[0]), stretch.first + int(spoken[-1]) + 1)
