"""A segment's text as tokens that no line may break, each with its time: a Latin word, or one Chinese character."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from jobs.transcript import Char, Segment, Transcript, Word
from web.formats.columns import columns

#: A line of subtitles, in columns: 42 Latin letters or 21 Chinese characters.
LINE_COLUMNS = 42

#: One full-width character with the punctuation that must not begin a line, or a run without spaces of anything else.
_WIDE = r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff\uac00-\ud7af]"
_CLOSING = r"[，。！？；：、）》」』”’…·,.!?;:)]"
_TOKEN = re.compile(rf"(?:{_WIDE}|(?:(?!{_WIDE})\S)+){_CLOSING}*")


@dataclass(frozen=True, slots=True)
class Token:
    """Text that stays on one line. start_s, end_s: seconds from the start of the audio."""

    text: str
    start_s: float
    end_s: float
    space_before: bool

    @property
    def columns(self) -> int:
        return columns(self.text)


def segment_tokens(transcript: Transcript) -> Iterator[tuple[Segment, list[Token]]]:
    """Each segment with its tokens, timed by the transcript's chars, else by its words, else evenly.

    Chars and words belong to a segment if they spell its text; where they don't, time is shared out by width.
    """
    timed: Sequence[Char | Word] = transcript.chars or transcript.words
    position = 0
    for segment in transcript.segments:
        while position < len(timed) and _middle(timed[position]) < segment.start_s:
            position += 1
        first = position
        while position < len(timed) and _middle(timed[position]) <= segment.end_s:
            position += 1
        times = _spelled_times(segment.text, timed[first:position]) or _even_times(segment)
        yield segment, list(_tokens(segment.text, times))


def _middle(part: Char | Word) -> float:
    return (part.start_s + part.end_s) / 2


def _spelled_times(text: str, parts: Sequence[Char | Word]) -> list[tuple[float, float]] | None:
    """(start_s, end_s) of each character of the text that is no space; None where the parts spell another text."""
    times: list[tuple[float, float]] = []
    for part in parts:
        spelled = "".join(part.text.split())
        edges = [part.start_s + (part.end_s - part.start_s) * i / max(1, len(spelled)) for i in range(len(spelled) + 1)]
        times.extend(pairwise(edges))
    spelled_all = "".join("".join(part.text.split()) for part in parts)
    return times if spelled_all == "".join(text.split()) else None


def _even_times(segment: Segment) -> list[tuple[float, float]]:
    widths = [max(1, columns(character)) for character in "".join(segment.text.split())]
    per_column = (segment.end_s - segment.start_s) / max(1, sum(widths))
    edges = [segment.start_s + per_column * width for width in accumulate(widths, initial=0)]
    return list(pairwise(edges))


def _tokens(text: str, times: list[tuple[float, float]]) -> Iterator[Token]:
    position = 0  # in the text without its spaces
    end_before = 0
    for found in _TOKEN.finditer(text):
        space = found.start() > end_before
        end_before = found.end()
        for piece in _pieces(found[0]):
            start, stop = position, position + len(piece)
            position = stop
            yield Token(piece, times[start][0], times[stop - 1][1], space)
            space = False


def _pieces(word: str) -> Iterator[str]:
    """A word that fits on no line is cut into pieces that do."""
    piece = ""
    for character in word:
        if columns(piece + character) > LINE_COLUMNS:
            yield piece
            piece = ""
        piece += character
    yield piece
