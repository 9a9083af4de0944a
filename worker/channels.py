"""Channels that were transcribed apart become one transcript, their segments interleaved by time."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeVar

from jobs.transcript import Char, Segment, Word
from worker.parts import CONFIDENCE_DECIMALS, Parts

Timed = TypeVar("Timed", Char, Word)


def interleaved(channels: Sequence[Parts]) -> Parts:
    """A line of text for each segment. Chars and words come in the segments' order, not in time's: segments overlap."""
    order = sorted(
        (
            (segment.start_s, channel, number)
            for channel, parts in enumerate(channels)
            for number, segment in enumerate(parts.segments)
        ),
    )
    segments = [
        channels[channel].segments[number].model_copy(update={"id": position, "channel": channel})
        for position, (_, channel, number) in enumerate(order)
    ]
    places = [(channel, number) for _, channel, number in order]
    has_chars = all(parts.chars is not None for parts in channels)
    return Parts(
        text="\n".join(segment.text for segment in segments),
        confidence=_mean(channels),
        segments=segments,
        words=_ordered(places, [_by_segment(parts.segments, parts.words) for parts in channels]),
        chars=_ordered(places, [_by_segment(parts.segments, parts.chars or []) for parts in channels])
        if has_chars
        else None,
    )


def _by_segment(segments: Sequence[Segment], timed: Iterable[Timed]) -> list[list[Timed]]:
    """What belongs to each segment: all from its start to the next one's, a space between them included."""
    starts = [segment.start_s for segment in segments]
    groups: list[list[Timed]] = [[] for _ in segments]
    for part in timed:
        if groups:
            groups[max(0, bisect_right(starts, part.start_s) - 1)].append(part)
    return groups


def _ordered(places: Iterable[tuple[int, int]], groups: Sequence[Sequence[list[Timed]]]) -> list[Timed]:
    return [part for channel, number in places for part in groups[channel][number]]


def _mean(channels: Sequence[Parts]) -> float | None:
    """The channels' confidences, weighed by their texts' lengths."""
    known = [(parts.confidence, len(parts.text)) for parts in channels if parts.confidence is not None]
    weight = sum(length for _, length in known)
    return round(sum(value * length for value, length in known) / weight, CONFIDENCE_DECIMALS) if weight else None
