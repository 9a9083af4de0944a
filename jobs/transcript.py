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

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "job_id": "3f0c7a52b1d94e6f8a7d2c90e15b4d68",
                    "model": "ydshieh/wav2vec2-large-xlsr-53-chinese-zh-cn-gpt",
                    "revision": "f1a2c09",
                    "language": "zh",
                    "duration_s": 1.5,
                    "text": "你好",
                    "confidence": 0.97,
                    "segments": [
                        {"id": 0, "start_s": 0.3, "end_s": 0.9, "text": "你好", "confidence": 0.97, "channel": None}
                    ],
                    "words": [{"text": "你好", "start_s": 0.3, "end_s": 0.9, "confidence": 0.97}],
                    "chars": [
                        {"text": "你", "start_s": 0.3, "end_s": 0.32, "confidence": 0.98},
                        {"text": "好", "start_s": 0.8, "end_s": 0.9, "confidence": 0.96},
                    ],
                }
            ]
        }
    )

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
