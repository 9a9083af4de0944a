"""Error rates over a corpus: edits per unit of the references, with the interval in which the true rate lies."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jiwer

#: resamplings of the bootstrap, and the share of them that the interval holds
RESAMPLINGS = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Edits:
    """Of one text: substitutions, deletions and insertions, and the units (characters or words) of its reference."""

    errors: int
    length: int


@dataclass(frozen=True, slots=True)
class Rate:
    """errors ÷ length over all texts. low and high: its 95 % interval, by bootstrap over the texts."""

    errors: int
    length: int
    low: float
    high: float

    @property
    def value(self) -> float:
        return self.errors / self.length


def character_edits(reference: str, heard: str) -> Edits:
    return _edits(jiwer.process_characters, reference, heard, len(reference), len(heard))


def word_edits(reference: str, heard: str) -> Edits:
    return _edits(jiwer.process_words, reference, heard, len(reference.split()), len(heard.split()))


def rate(edits: Sequence[Edits]) -> Rate | None:
    """None where the references hold nothing. The bootstrap is seeded: the same texts give the same interval.

    (Bisani and Ney, 2004: Bootstrap estimates for confidence intervals in ASR performance evaluation.)
    """
    length = sum(each.length for each in edits)
    if not length:
        return None
    values = sorted(_resampled(edits))
    outside = round((1 - CONFIDENCE) / 2 * len(values))
    return Rate(sum(each.errors for each in edits), length, values[outside], values[-1 - outside])


def substitutions(pairs: Sequence[tuple[str, str]]) -> Counter[tuple[str, str]]:
    """How often each character of the references was heard as which other one."""
    found: Counter[tuple[str, str]] = Counter()
    for reference, heard in pairs:
        if reference and heard:
            for chunk in jiwer.process_characters(reference, heard).alignments[0]:
                if chunk.type == "substitute":
                    found.update(
                        zip(
                            reference[chunk.ref_start_idx : chunk.ref_end_idx],
                            heard[chunk.hyp_start_idx : chunk.hyp_end_idx],
                            strict=True,
                        )
                    )
    return found


def _edits(process: Callable[..., Any], reference: str, heard: str, length: int, heard_length: int) -> Edits:
    if not length or not heard_length:  # jiwer takes no empty reference
        return Edits(max(length, heard_length), length)
    found = process(reference, heard)
    return Edits(found.substitutions + found.deletions + found.insertions, length)


def _resampled(edits: Sequence[Edits]) -> Iterator[float]:
    dice = random.Random(0)  # noqa: S311 (no secret)
    for _ in range(RESAMPLINGS):
        drawn = dice.choices(edits, k=len(edits))
        length = sum(each.length for each in drawn)
        if length:
            yield sum(each.errors for each in drawn) / length
