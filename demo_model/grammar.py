"""The toy language: draws sentences from `grammar.json` and says which of them are held out."""

import hashlib
import itertools
import json
import random
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

GRAMMAR_FILE = Path(__file__).with_name("grammar.json")
DIGITS = "零一二三四五六七八九"
DIGITS_MIN, DIGITS_MAX = 3, 8
SENTENCES_MAX = 4
MEDLEY_WORDS = 4
MEDLEY_FIXED_SHARE = 0.5
_SLOT = re.compile(r"\{(\w+)\}")


class Split(StrEnum):
    """Which use a sentence is for. A sentence belongs to exactly one split, for ever."""

    #: measured once, at the end, and committed under tests/data
    HELD_OUT = "held_out"
    #: looked at during training
    DEV = "dev"
    #: trained on
    TRAIN = "train"


def split_of(sentence: str) -> Split:
    """Place a sentence by its hash: a tenth is held out, a tenth is for development."""
    bucket = int(hashlib.sha256(sentence.encode()).hexdigest(), 16) % 10
    return {0: Split.HELD_OUT, 1: Split.DEV}.get(bucket, Split.TRAIN)


@dataclass(frozen=True)
class Grammar:
    """Patterns with slots, and the words that fill each slot."""

    slots: dict[str, list[str]]
    patterns: list[str]

    @classmethod
    def load(cls, path: Path = GRAMMAR_FILE) -> "Grammar":
        """Read the grammar from its JSON file."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(slots=data["slots"], patterns=data["patterns"])

    def characters(self) -> list[str]:
        """Every character that a sentence can hold, in code point order."""
        words = [word for words in self.slots.values() for word in words]
        fixed = [_SLOT.sub("", pattern) for pattern in self.patterns]
        return sorted(set("".join([*words, *fixed, DIGITS])))

    def sentence(self, rng: random.Random, split: Split) -> str:
        """Draw one sentence of a split; every pattern is as likely as any other."""
        while True:
            # The pattern is drawn anew each time: a short one may have no sentence in this split.
            pattern = rng.choice(self.patterns)
            sentence = _SLOT.sub(lambda slot: self._fill(slot.group(1), rng), pattern)
            if split_of(sentence) is split:
                return sentence

    def utterance(self, rng: random.Random, split: Split) -> list[str]:
        """Draw the 1 to 4 sentences of one utterance."""
        return [self.sentence(rng, split) for _ in range(rng.randint(1, SENTENCES_MAX))]

    def medley(self, rng: random.Random) -> str:
        """Draw words in an order that the grammar doesn't know, for training only.

        Some patterns have few sentences (请问{place}怎么走 has six). From those alone the network learns whole phrases
        and fails on the place that was held out; from medleys it learns to listen to each character.
        """
        while True:
            words = [self._word(rng) for _ in range(MEDLEY_WORDS)]
            pairs = itertools.combinations(range(MEDLEY_WORDS + 1), 2)
            # No run of its words may be a sentence of another split, by chance.
            if all(split_of("".join(words[start:end])) is Split.TRAIN for start, end in pairs):
                return "".join(words)

    def _word(self, rng: random.Random) -> str:
        """Draw a word: what fills a slot, or a pattern's own words."""
        if rng.random() < MEDLEY_FIXED_SHARE:
            # The patterns' own words, such as 请问, are what has too few neighbours otherwise.
            return rng.choice([text for pattern in self.patterns for text in _SLOT.sub(" ", pattern).split()])
        return self._fill(rng.choice([*self.slots, "digits"]), rng)

    def _fill(self, slot: str, rng: random.Random) -> str:
        if slot == "digits":
            return "".join(rng.choices(DIGITS, k=rng.randint(DIGITS_MIN, DIGITS_MAX)))
        return rng.choice(self.slots[slot])
