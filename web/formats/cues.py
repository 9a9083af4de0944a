"""Subtitle cues made of segments: at most two lines, readable for 1 to 7 s, never two at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.transcript import Transcript
from web.formats.clock import milliseconds
from web.formats.columns import columns
from web.formats.tokens import LINE_COLUMNS, Token, segment_tokens

SHORTEST_MS = 1000
LONGEST_MS = 7000

Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Cue:
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def cues(transcript: Transcript) -> list[Cue]:
    """The transcript as cues, in order of time.

    One shorter than 1 s borrows time from the silence around it, or joins its neighbour; where there is no room for
    either it stays short.
    """
    groups: list[Tokens] = []
    for _, tokens in segment_tokens(transcript):
        groups.extend(_split(tuple(tokens)))
    groups.sort(key=lambda group: group[0].start_s)
    joined = _join_short(groups)
    return _timed(joined)


def lines_of(tokens: Sequence[Token]) -> tuple[str, ...] | None:
    """The text on one line, or on two of about the same width; None where two aren't enough."""
    whole = _spell(tokens)
    if columns(whole) <= LINE_COLUMNS:
        return (whole,)
    halves = [(_spell(tokens[:cut]), _spell(tokens[cut:])) for cut in range(1, len(tokens))]
    fitting = [pair for pair in halves if max(map(columns, pair)) <= LINE_COLUMNS]
    return min(fitting, key=lambda pair: abs(columns(pair[0]) - columns(pair[1])), default=None)


def _spell(tokens: Sequence[Token]) -> str:
    return "".join(" " + token.text if token.space_before else token.text for token in tokens).strip()


def _split(tokens: Tokens) -> list[Tokens]:
    """Halve at the best place until each part fits on two lines and into the longest time."""
    if not tokens:
        return []
    fits = lines_of(tokens) is not None and _duration_ms(tokens) <= LONGEST_MS
    if fits or len(tokens) == 1:
        return [tokens]
    cut = max(range(1, len(tokens)), key=lambda at: _merit(tokens, at))
    return [*_split(tokens[:cut]), *_split(tokens[cut:])]


def _merit(tokens: Tokens, at: int) -> float:
    """How good a break before token `at` is: near the middle, at a pause, after punctuation."""
    before, after = tokens[at - 1], tokens[at]
    balance = 1 - abs(2 * at - len(tokens)) / len(tokens)
    pause_s = max(0.0, after.start_s - before.end_s)
    return balance + min(pause_s, 1.0) + (0.5 if not before.text[-1].isalnum() else 0.0)


def _join_short(groups: list[Tokens]) -> list[Tokens]:
    """Join a group to the one before where it, or that one, can't have the shortest time by itself."""
    joined: list[Tokens] = []
    for number, group in enumerate(groups):
        following_s = groups[number + 1][0].start_s if number + 1 < len(groups) else float("inf")
        if joined and (_cramped(joined[-1], group[0].start_s) or _cramped(group, following_s)):
            both = _together(joined[-1], group)
            if lines_of(both) is not None and _duration_ms(both) <= LONGEST_MS:
                joined[-1] = both
                continue
        joined.append(group)
    return joined


def _together(one: Tokens, other: Tokens) -> Tokens:
    first = other[0]
    return (*one, Token(first.text, first.start_s, first.end_s, space_before=True), *other[1:])


def _cramped(tokens: Tokens, until_s: float) -> bool:
    return milliseconds(until_s - tokens[0].start_s) < SHORTEST_MS if until_s != float("inf") else False


def _duration_ms(tokens: Tokens) -> int:
    return milliseconds(max(token.end_s for token in tokens) - tokens[0].start_s)


def _timed(groups: list[Tokens]) -> list[Cue]:
    """Cues with their times: never before the last one's end, at least 1 s where there is room, at most 7 s."""
    made: list[Cue] = []
    free_from = 0
    for number, tokens in enumerate(groups):
        start = max(milliseconds(tokens[0].start_s), free_from)
        room_until = milliseconds(groups[number + 1][0].start_s) if number + 1 < len(groups) else start + LONGEST_MS
        end = max(milliseconds(max(token.end_s for token in tokens)), start + SHORTEST_MS)
        end = min(end, max(room_until, start + 1), start + LONGEST_MS)
        if end - start < SHORTEST_MS:
            start = max(free_from, end - SHORTEST_MS)
        made.append(Cue(start, end, lines_of(tokens) or (_spell(tokens),)))
        free_from = end
    return made
