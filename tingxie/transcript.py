"""A transcript as the server's JSON tells it, typed. Times are seconds from the start of the audio."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Char:
    """One character, where the model has such; `confidence` from 0 to 1, None where it has none."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start_s: float
    end_s: float
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech between pauses; `channel` where channels were transcribed apart."""

    id: int
    start_s: float
    end_s: float
    text: str
    confidence: float | None
    channel: int | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """`chars` is None for models that have none. `raw` is the whole document, newer fields included."""

    job_id: str
    model: str
    revision: str
    language: str | None
    duration_s: float
    text: str
    confidence: float | None
    segments: tuple[Segment, ...]
    words: tuple[Word, ...]
    chars: tuple[Char, ...] | None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Transcript":
        """Raises KeyError or TypeError for another document."""
        chars = body.get("chars")
        return cls(
            job_id=body["job_id"],
            model=body["model"],
            revision=body["revision"],
            language=body.get("language"),
            duration_s=body["duration_s"],
            text=body["text"],
            confidence=body.get("confidence"),
            segments=tuple(
                Segment(part["id"], *_span(part), part["text"], part.get("confidence"), part.get("channel"))
                for part in body["segments"]
            ),
            words=tuple(Word(part["text"], *_span(part), part.get("confidence")) for part in body["words"]),
            chars=None
            if chars is None
            else tuple(Char(part["text"], *_span(part), part.get("confidence")) for part in chars),
            raw=body,
        )


def _span(part: Mapping[str, Any]) -> tuple[float, float]:
    return part["start_s"], part["end_s"]
