"""What goes over the wire on OpenAI's paths: their names, and what of them has a meaning here."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from web.schemas import Answer

ResponseFormat = Literal["json", "text", "srt", "verbose_json", "vtt"]
Granularity = Literal["word", "segment"]

WITHOUT_EFFECT = "Accepted, without effect."


def _only_words(given: Any) -> Any:
    """Of what a form's text may say for a boolean, only what JSON says."""
    words = {"true": True, "false": False}
    return words.get(given.lower(), given + "?") if isinstance(given, str) else given


FormBoolean = Annotated[bool, BeforeValidator(_only_words)]


class TranslationForm(BaseModel):
    """The fields of a translation, but for the file itself."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(max_length=512, description="Name of a model, or an alias; an empty one means the default.")
    prompt: str = Field("", description=WITHOUT_EFFECT)
    response_format: ResponseFormat = Field("json", description="What the answer holds.")
    temperature: float = Field(0.0, ge=0, le=1, allow_inf_nan=False, description=WITHOUT_EFFECT)


class TranscriptionForm(TranslationForm):
    """The fields of a transcription, but for the file itself."""

    language: str | None = Field(None, max_length=35, description="Language of the speech, for models that ask.")
    timestamp_granularities: list[Granularity] = Field(
        default_factory=list, alias="timestamp_granularities[]", max_length=8, description="For verbose_json."
    )
    stream: FormBoolean = Field(default=False, description="Send the text as it grows, by server-sent events.")
    include: list[Literal["logprobs"]] = Field(
        default_factory=list, alias="include[]", max_length=8, description=WITHOUT_EFFECT
    )
    chunking_strategy: str = Field("", max_length=1000, description=WITHOUT_EFFECT)


class Usage(Answer):
    type: Literal["duration"] = "duration"
    seconds: float = Field(description="Length of the audio.")


class Transcription(Answer):
    text: str
    usage: Usage


class TranscribedWord(Answer):
    word: str = Field(description="A word; of Chinese, a character.")
    start: float
    end: float


class TranscribedSegment(Answer):
    id: int
    seek: int = Field(0, description="Always 0.")
    start: float
    end: float
    text: str
    tokens: list[int] = Field(default_factory=list, description="Always empty.")
    temperature: float = Field(0.0, description="Always 0.")
    avg_logprob: float = Field(description="Logarithm of the segment's confidence.")
    compression_ratio: float
    no_speech_prob: float = Field(0.0, description="Always 0.")


class VerboseTranscription(Answer):
    task: Literal["transcribe", "translate"]
    language: str
    duration: float
    text: str
    segments: list[TranscribedSegment] | None
    words: list[TranscribedWord] | None
    usage: Usage


class TextDelta(Answer):
    type: Literal["transcript.text.delta"] = "transcript.text.delta"
    delta: str


class TextDone(Answer):
    type: Literal["transcript.text.done"] = "transcript.text.done"
    text: str


class Fault(Answer):
    message: str
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(description="The field at fault.")
    code: str | None = Field(description="Stable name; docs/api.md lists all of them.", examples=["model_not_found"])


class Failure(Answer):
    """OpenAI's shape of an error."""

    error: Fault
