"""The transcript document: what finish writes to the store and every output format is rendered from."""

from pydantic import BaseModel, ConfigDict


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Char(_Part):
    """One character (one output token of a CTC model) with its time."""

    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


class Word(_Part):
    text: str
    start_s: float
    end_s: float
    confidence: float | None = None


class Segment(_Part):
    """A stretch of speech between pauses, short enough to read in one go."""

    id: int
    start_s: float
    end_s: float
    text: str
    confidence: float | None = None
    channel: int | None = None


class Transcript(_Part):
    """`chars` is None where a model family has none; `words` are split at spaces, so Chinese has one per segment."""

    job_id: str
    model: str
    revision: str
    language: str | None
    duration_s: float
    text: str
    confidence: float | None
    segments: list[Segment]
    words: list[Word]
    chars: list[Char] | None
