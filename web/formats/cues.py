"""Subtitle cues made of segments: of one or two lines, readable for 1 to 7 s, never two at once."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from math import inf

from web.formats.clock import milliseconds
from web.formats.document import Document
from web.formats.tokens import CueShape, Token, segment_tokens

SHORTEST_MS = 1000
LONGEST_MS = 7000

#: What one cue will show; never empty.
Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(document: Document, shape: CueShape | None = None) -> Iterator[Cue]:
    """The transcript as cues, in order of time, made one after the other.

    One shorter than 1 s borrows time from the silence around it, or joins its neighbour; where there is no room for
    either it stays short.
    """
    shape = shape or CueShape()
    return _timed(_joined(_in_order(document, shape), shape), shape)


def _in_order(document: Document, shape: CueShape) -> Iterator[Tokens]:
    """The segments' parts by start, also where segments overlap (those of several channels may)."""
    waiting: list[Tokens] = []
    for segment, tokens in segment_tokens(document, shape):
        waiting.sort(key=_start_s)
        while waiting and _start_s(waiting[0]) <= segment.start_s:
            yield waiting.pop(0)
        waiting.extend(_split(tokens, shape))
    yield from sorted(waiting, key=_start_s)


def _start_s(tokens: Tokens) -> float:
    return tokens[0].start_s


def _split(tokens: Tokens, shape: CueShape) -> list[Tokens]:
    """Halve at the best place until each part fits on its lines and into the longest time."""
    if not tokens:
        return []
    if len(tokens) == 1 or _fits(tokens, shape):
        return [tokens]
    cut = max(range(1, len(tokens)), key=lambda at: _merit(tokens, at))
    return [*_split(tokens[:cut], shape), *_split(tokens[cut:], shape)]


def _fits(tokens: Tokens, shape: CueShape) -> bool:
    return _duration_ms(tokens) <= LONGEST_MS and _break(tokens, shape) is not None


def _merit(tokens: Tokens, at: int) -> float:
    """How good a break before token `at` is: near the middle, at a pause, after punctuation."""
    before, after = tokens[at - 1], tokens[at]
    balance = 1 - abs(2 * at - len(tokens)) / len(tokens)
    pause_s = max(0.0, after.start_s - before.end_s)
    return balance + min(pause_s, 1.0) + (0.5 if not before.text[-1].isalnum() else 0.0)


def _break(tokens: Sequence[Token], shape: CueShape) -> int | None:
    """Where the second line begins: in the middle, len(tokens) if one line is enough; None if there are too few."""
    widths = [token.columns + token.space_before for token in tokens]
    upto = list(accumulate(widths, initial=-int(tokens[0].space_before)))
    if upto[-1] <= shape.columns:
        return len(tokens)
    if shape.lines == 1:
        return None
    best: tuple[int, int] | None = None
    for cut in range(1, len(tokens)):
        first, second = upto[cut], upto[-1] - upto[cut] - tokens[cut].space_before
        if max(first, second) <= shape.columns and (best is None or abs(first - second) < best[0]):
            best = abs(first - second), cut
    return best[1] if best else None


def _lines(tokens: Tokens, shape: CueShape) -> tuple[str, ...]:
    cut = _break(tokens, shape)
    both = (tokens[:cut], tokens[cut:]) if cut is not None else (tokens,)
    return tuple(_spell(line) for line in both if line)


def _spell(tokens: Sequence[Token]) -> str:
    return "".join(" " + token.text if token.space_before else token.text for token in tokens).strip()


def _joined(groups: Iterable[Tokens], shape: CueShape) -> Iterator[Tokens]:
    """Join a group to the one before where it, or that one, can't have the shortest time by itself."""
    last: Tokens | None = None
    for group, following in pairwise(chain(groups, [None])):
        assert group is not None  # noqa: S101 (only the last one is, and it never comes first)
        until_s = _start_s(following) if following else inf
        if last is None:
            last = group
        elif (_cramped(last, _start_s(group)) or _cramped(group, until_s)) and _fits(
            both := _together(last, group), shape
        ):
            last = both
        else:
            yield last
            last = group
    if last is not None:
        yield last


def _together(one: Tokens, other: Tokens) -> Tokens:
    return (*one, other[0]._replace(space_before=True), *other[1:])


def _cramped(tokens: Tokens, until_s: float) -> bool:
    """Whether less than the shortest time is left before `until_s`."""
    return (until_s - _start_s(tokens)) * 1000 < SHORTEST_MS


def _duration_ms(tokens: Tokens) -> int:
    return milliseconds(max(token.end_s for token in tokens) - _start_s(tokens))


def _timed(groups: Iterable[Tokens], shape: CueShape) -> Iterator[Cue]:
    """Cues with their times: never before the last one's end, at least 1 s where there is room, at most 7 s."""
    free_from = 0
    for tokens, following in pairwise(chain(groups, [None])):
        assert tokens is not None  # noqa: S101 (only the last one is, and it never comes first)
        start = max(milliseconds(_start_s(tokens)), free_from)
        room_until = milliseconds(_start_s(following)) if following else start + LONGEST_MS
        end = max(milliseconds(max(token.end_s for token in tokens)), start + SHORTEST_MS)
        end = min(end, max(room_until, start + 1), start + LONGEST_MS)
        if end - start < SHORTEST_MS:
            start = max(free_from, end - SHORTEST_MS)
        yield Cue(start, end, _lines(tokens, shape))
        free_from = end
