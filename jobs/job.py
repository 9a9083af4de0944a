"""The job: what a user asks for, the states it goes through, and the record that a client polls."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from jobs.errors import NewerVersion
from jobs.script import Script
from jobs.settings import Cutting


class State(StrEnum):
    """Where a job stands. docs/job-states.md draws the machine."""

    #: accepted and stored; no worker has touched it
    QUEUED = "queued"
    #: at least one unit of it was claimed
    RUNNING = "running"
    #: the transcript is in the store and covers all of the audio
    SUCCEEDED = "succeeded"
    #: it can't succeed; `error` says why
    FAILED = "failed"
    #: its owner ended it
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED})


class Stage(StrEnum):
    """What a job that has not ended waits for."""

    #: audio is decoded and cut; the first windows may already be transcribed
    PREPARING = "preparing"
    #: every window is registered, some are not transcribed
    TRANSCRIBING = "transcribing"
    #: every window is transcribed, the transcript is being written
    FINISHING = "finishing"
    #: no live worker serves the job's model
    WAITING_FOR_WORKER = "waiting_for_worker"


Channels = Literal["mix", "split"]
Priority = Literal["high", "normal", "low"]
MetadataName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
MetadataText = Annotated[str, StringConstraints(max_length=500)]


class JobOptions(BaseModel):
    """What a user may choose for a job; None means the server's setting at submission."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = Field(
        None, max_length=512, description="Hub id or folder of the model; the server's by default."
    )
    language: str | None = Field(None, max_length=35, description="BCP 47 language of the speech, for models that ask.")
    task: Literal["transcribe", "translate"] = Field("transcribe", description="What Whisper does; others transcribe.")
    timestamps: Literal["none", "segment", "word"] = Field("segment", description="Finest timestamps Whisper computes.")
    cutting: Cutting | None = Field(None, description="Cut windows at silences, or at a fixed length.")
    script: Script | None = Field(
        None,
        description="Chinese script of the transcript: s2t simplified to traditional, t2s the way back, tw and hk as "
        "written in Taiwan and Hong Kong; the model's own by default.",
    )
    channels: Channels = Field(
        "mix", description="mix: all channels as one; split: each by itself, as one speaker a channel."
    )
    skip_silence: bool | None = Field(None, description="Leave long silences out; the server's setting by default.")
    window_s: float | None = Field(None, ge=1.0, le=60.0, description="Longest window, context included, in seconds.")
    context_s: float | None = Field(None, ge=0.0, le=15.0, description="Context on each side of a window, in seconds.")
    priority: Priority = Field("normal", description="Share of the workers: high, normal and low weigh 6, 3 and 1.")
    metadata: dict[MetadataName, MetadataText] = Field(
        default_factory=dict, max_length=16, description="Your own notes; at most 16, 500 characters each."
    )
    retention_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Delete the job and its files this many seconds after it ended."
    )
    webhook_url: str | None = Field(
        None, max_length=1000, pattern=r"^https?://[!-~]+$", description="Where to POST when the job has ended."
    )


#: what of a request its transcript doesn't depend on; jobs that differ in nothing else share their work
OF_THE_JOB_ONLY = {
    "format",
    "id",
    "owner",
    "created_at",
    "filename",
    "priority",
    "metadata",
    "retention_s",
    "webhook_url",
    "retry_of",
    "batch_id",
}


#: of the records that this version writes, and the newest that it can work by; raised where a reader of the one before
#: would go wrong, not where a field is added
FORMAT = 1


class JobRequest(BaseModel):
    """A job as accepted: written to the store as `job.json`, then to the ledger. Never changes."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    id: str
    owner: str = "local"
    created_at: float
    filename: str
    size_bytes: int
    sha256: str
    model: str
    language: str | None
    task: str
    timestamps: str
    cutting: Cutting
    window_s: float
    context_s: float
    script: Script | None = None
    channels: Channels = "mix"
    #: with the shortest silence that is left out, and what is kept at its sides; 0 where none is left out
    skip_silence: bool = False
    silence_s: float = 0.0
    silence_margin_s: float = 0.0
    priority: Priority
    metadata: dict[str, str]
    retention_s: float | None = None
    #: where a worker fetches the audio; size and digest are unknown then (0 and '')
    source_url: str | None = None
    webhook_url: str | None = None
    retry_of: str | None = None
    batch_id: str | None = None

    @classmethod
    def read(cls, record: str | bytes) -> Self:
        """For whoever works by it. Raises NewerVersion, or ValidationError for what is no record."""
        written_by = json.loads(record).get("format", FORMAT)
        if written_by > FORMAT:
            raise NewerVersion(f"the job's record is of format {written_by}; this version knows {FORMAT}")
        return cls.model_validate_json(record)

    def work_digest(self) -> str:
        """The same for requests whose transcripts must be the same: SHA-256 of the audio's digest and the options."""
        # what a URL gives isn't known before it has been fetched, and may be something else the next time
        own = OF_THE_JOB_ONLY - {"id"} if self.source_url else OF_THE_JOB_ONLY
        work = self.model_dump(mode="json", exclude=own)
        return hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which of an owner's jobs are wanted: those for which all of it is true."""

    #: in any of these states; empty: in any at all
    states: Collection[State] = ()
    #: created at this time or later, and before that one
    created_after: float | None = None
    created_before: float | None = None
    #: part of the file's name; case doesn't matter where it is ASCII
    filename: str = ""
    #: with these notes among its metadata
    metadata: Mapping[str, str] = field(default_factory=dict)


class Job(BaseModel):
    """A job's record as the ledger holds it and a client reads it (`links` are added by web)."""

    id: str
    state: State
    stage: Stage | None = None
    model: str
    revision: str | None = None
    dtype: str | None = None
    language: str | None = None
    filename: str
    source_url: str | None = Field(None, description="Where the audio is fetched from; null for uploads.")
    created_at: float
    started_at: float | None = None
    finished_at: float | None = None
    duration_s: float | None = Field(None, description="Length of the audio; null until it has been decoded.")
    covered_s: float = Field(0.0, description="Audio that is transcribed, or left out as silent on purpose.")
    skipped_s: float = Field(0.0, description="Of that, silence that was left out (`skip_silence`).")
    progress: float = Field(0.0, ge=0, le=1)
    queue_position: int | None = Field(None, description="Jobs ahead of this one; null once it has ended.")
    queue_ahead_s: float | None = Field(None, description="Seconds of audio ahead of this job.")
    eta_s: float | None = Field(None, description="Seconds until the transcript, at the measured speed.")
    partial_text: str = Field("", description="The last 1,000 characters of what is transcribed without a gap.")
    warnings: list[dict[str, Any]] = Field(default_factory=list)
    error: dict[str, Any] | None = None
    deduplicated_from: str | None = None
    retry_of: str | None = Field(None, description="The job whose audio and options this one tries again.")
    batch_id: str | None = Field(None, description="The batch that it came with.")
    priority: Priority = "normal"
    metadata: dict[str, str] = Field(default_factory=dict)
    windows_total: int = 0
    windows_done: int = 0
