"""A segment's text as tokens that no line may break, each with its time: a Latin word, or one Chinese character."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from jobs.transcript import Segment
from web.formats.columns import columns
from web.formats.document import Document, Timed


class CueShape(NamedTuple):
    """What a cue may fill: 42 columns are 42 Latin letters or 21 Chinese characters. lines: 1 or 2."""

    columns: int = 42
    lines: int = 2


#: One full-width character with the punctuation that must not begin a line, or a run without spaces of anything else.
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff\uac00-\ud7af]"
_CLOSING = r"[，。！？；：、）》」』”’…·,.!?;:)]"
_TOKEN = re.compile(rf"(?:{_WIDE}|(?:(?!{_WIDE})\S)+){_CLOSING}*")


class Token(NamedTuple):
    """Text that stays on one line. Seconds from the start of the audio; columns without the space before it."""

    text: str
    start_s: float
    end_s: float
    space_before: bool
    columns: int


def segment_tokens(document: Document, shape: CueShape | None = None) -> Iterator[tuple[Segment, tuple[Token, ...]]]:
    """Each segment with its tokens, timed by the document's chars or words, else evenly.

    Words that are longer than a line of the shape (the usual one by default) are cut.

    Chars and words belong to a segment if they spell its text; where they don't, time is shared out by width.
    Segments of several channels overlap in time: their chars and words come in the segments' order.
    """
    timed = _Ahead(document.timed())
    for segment in document.segments:
        parts = list(_by_time(segment, timed) if segment.channel is None else _by_spelling(segment, timed))
        times = _spelled_times(segment.text, parts) or _even_times(segment)
        yield segment, _within(segment, tuple(_tokens(segment.text, times, shape or CueShape())))


def _within(segment: Segment, tokens: tuple[Token, ...]) -> tuple[Token, ...]:
    """The first and the last token reach to the segment's edges, where it is heard to begin and end."""
    if not tokens:
        return tokens
    first = tokens[0]._replace(start_s=min(tokens[0].start_s, segment.start_s))
    opened = (first, *tokens[1:])
    return (*opened[:-1], opened[-1]._replace(end_s=max(opened[-1].end_s, segment.end_s)))


class _Ahead:
    """Chars or words in order; `coming` is the next one, None at the end."""

    def __init__(self, timed: Iterator[Timed]) -> None:
        self._timed = timed
        self.coming = next(timed, None)

    def take(self) -> Timed:
        taken, self.coming = self.coming, next(self._timed, None)
        assert taken is not None  # noqa: S101 (who takes has looked at it)
        return taken


def _by_time(segment: Segment, timed: _Ahead) -> Iterator[Timed]:
    while timed.coming and _middle(timed.coming) < segment.start_s:
        timed.take()
    while timed.coming and _middle(timed.coming) <= segment.end_s:
        yield timed.take()


def _by_spelling(segment: Segment, timed: _Ahead) -> Iterator[Timed]:
    """As many as spell the text."""
    missing = len(_letters(segment.text))
    while timed.coming and missing > 0:
        part = timed.take()
        missing -= len(_letters(part.text))
        yield part


def _middle(part: Timed) -> float:
    return (part.start_s + part.end_s) / 2


def _spelled_times(text: str, parts: Sequence[Timed]) -> list[tuple[float, float]] | None:
    """(start_s, end_s) of each character of the text that is no space; None where the parts spell another text."""
    spelled = [_letters(part.text) for part in parts]
    if "".join(spelled) != _letters(text):
        return None
    times: list[tuple[float, float]] = []
    for part, letters in zip(parts, spelled, strict=True):
        each_s = (part.end_s - part.start_s) / max(1, len(letters))
        times.extend((part.start_s + each_s * i, part.start_s + each_s * (i + 1)) for i in range(len(letters)))
    return times


def _letters(text: str) -> str:
    return "".join(text.split())


def _even_times(segment: Segment) -> list[tuple[float, float]]:
    widths = [max(1, columns(character)) for character in _letters(segment.text)]
    per_column = (segment.end_s - segment.start_s) / max(1, sum(widths))
    edges = [segment.start_s + per_column * width for width in accumulate(widths, initial=0)]
    return list(pairwise(edges))


def _tokens(text: str, times: list[tuple[float, float]], shape: CueShape) -> Iterator[Token]:
    position = 0  # in the text without its spaces
    end_before = 0
    for found in _TOKEN.finditer(text):
        space = found.start() > end_before
        end_before = found.end()
        for piece, width in _fitting(found[0], shape.columns):
            start, stop = position, position + len(piece)
            position = stop
            yield Token(piece, times[start][0], times[stop - 1][1], space, width)
            space = False


def _fitting(word: str, line_columns: int) -> Iterator[tuple[str, int]]:
    """The word, or, where it fits on no line, pieces that do, each with its columns."""
    begin, width = 0, 0
    for at, character in enumerate(word):
        width += columns(character)
        if width > line_columns:
            yield word[begin:at], width - columns(character)
            begin, width = at, columns(character)
    yield word[begin:], width
