"""The comparison itself: each utterance's transcript against its reference, and what follows over all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tingxie.evaluation.normalisation import normalise, without_spaces
from tingxie.evaluation.rates import Edits, Rate, character_edits, rate, substitutions, word_edits

#: of the most frequent substitutions and of the worst files, so many are shown
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Heard:
    """One utterance: what was said, what the service wrote, how long it is in seconds."""

    name: str
    reference: str
    text: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class Judged:
    """cer and wer: of the normalised texts."""

    heard: Heard
    cer: Edits
    wer: Edits
    cer_raw: Edits
    wer_raw: Edits

    @property
    def error_rate(self) -> float:
        return self.cer.errors / max(1, self.cer.length)


@dataclass(frozen=True)
class Evaluation:
    """failed: name → why, of utterances without a transcript; the rates leave them out."""

    judged: Sequence[Judged]
    failed: dict[str, str]

    @cached_property
    def rates(self) -> dict[str, Rate | None]:
        return {
            "CER, normalised": rate([each.cer for each in self.judged]),
            "CER, raw": rate([each.cer_raw for each in self.judged]),
            "WER, normalised": rate([each.wer for each in self.judged]),
            "WER, raw": rate([each.wer_raw for each in self.judged]),
        }

    @cached_property
    def substitutions(self) -> list[tuple[str, str, int]]:
        pairs = [(_characters(each.heard.reference), _characters(each.heard.text)) for each in self.judged]
        return [(said, heard, count) for (said, heard), count in substitutions(pairs).most_common(SHOWN)]

    @cached_property
    def worst(self) -> list[Judged]:
        """By their share of wrong characters; none without an error."""
        wrong = [each for each in self.judged if each.cer.errors]
        return sorted(wrong, key=lambda each: (-each.error_rate, each.heard.name))[:SHOWN]

    def as_dict(self) -> dict[str, Any]:
        return {
            "utterances": len(self.judged),
            "audio_s": round(sum(each.heard.duration_s for each in self.judged), 3),
            "rates": {
                name: None
                if found is None
                else {
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "errors": found.errors,
                    "length": found.length,
                }
                for name, found in self.rates.items()
            },
            "substitutions": [
                {"said": said, "heard": heard, "count": count} for said, heard, count in self.substitutions
            ],
            "failed": self.failed,
            "files": [
                {
                    "name": each.heard.name,
                    "cer": each.error_rate,
                    "duration_s": each.heard.duration_s,
                    "reference": each.heard.reference,
                    "text": each.heard.text,
                }
                for each in self.judged
            ],
        }


def judge(heard: Heard) -> Judged:
    said, written = normalise(heard.reference), normalise(heard.text)
    return Judged(
        heard,
        cer=character_edits(without_spaces(said), without_spaces(written)),
        wer=word_edits(said, written),
        cer_raw=character_edits(heard.reference, heard.text),
        wer_raw=word_edits(heard.reference, heard.text),
    )


def _characters(text: str) -> str:
    return without_spaces(normalise(text))
