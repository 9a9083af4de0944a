"""What goes over the wire, as models: OpenAPI is made of these, and queries are checked by them."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from jobs.job import Job, JobOptions, Stage, State
from jobs.script import Script


class Answer(BaseModel):
    """What this service sends: every field is always there, defaults too, and OpenAPI says so."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


#: what a job's links name besides itself, each by the last part of its path
LINKED = ("transcript", "events", "audio", "cancel", "retry")


class Links(Answer):
    """Paths on this server."""

    self_: str = Field(alias="self", description="This job.", examples=["/v1/jobs/0f8c"])
    transcript: str = Field(description="Its transcript, once it has succeeded.")
    events: str = Field(description="Its server-sent events.")
    audio: str = Field(description="The recording as it was uploaded.")
    cancel: str = Field(description="POST here to cancel it.")
    retry: str = Field(description="POST here to try it again, once it has failed or was cancelled.")


class Trouble(Answer):
    """Why a job failed, or what to know about its result."""

    type: str = Field(description="Stable name; docs/api.md lists all of them.", examples=["audio-unreadable"])
    title: str
    detail: str
    remedy: str = Field("", description="What to do about it.")


_EXAMPLE_ID = "3f0c7a52b1d94e6f8a7d2c90e15b4d68"
_EXAMPLE_JOB = Job(
    id=_EXAMPLE_ID,
    state=State.RUNNING,
    stage=Stage.TRANSCRIBING,
    model="ydshieh/wav2vec2-large-xlsr-53-chinese-zh-cn-gpt",
    revision="f1a2c09",
    dtype="float32",
    filename="meeting.m4a",
    created_at=1_795_572_000.25,
    started_at=1_795_572_001.5,
    duration_s=1800.0,
    covered_s=600.0,
    progress=0.33,
    queue_position=0,
    queue_ahead_s=0.0,
    eta_s=42.0,
    partial_text="今天我们去北京",
    metadata={"meeting": "42"},
    windows_total=95,
    windows_done=31,
)


class JobView(Job):
    """A job as clients see it."""

    model_config = ConfigDict(
        json_schema_serialization_defaults_required=True,
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE_JOB.model_dump(mode="json"),
                    "links": {
                        "self": f"/v1/jobs/{_EXAMPLE_ID}",
                        **{name: f"/v1/jobs/{_EXAMPLE_ID}/{name}" for name in LINKED},
                    },
                }
            ]
        },
    )

    warnings: list[Trouble] = Field(default_factory=list)  # type: ignore[assignment]  # the ledger keeps plain dicts
    error: Trouble | None = None  # type: ignore[assignment]
    links: Links


class JobPage(Answer):
    """One owner's jobs, newest first."""

    jobs: list[JobView]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class JobQuery(BaseModel):
    wait: float | None = Field(
        None,
        ge=0,
        allow_inf_nan=False,
        description="Hold the answer for up to this many seconds, until the state changes, or, with If-None-Match, "
        "until anything does.",
    )


EVENT_ID = re.compile(r"\d{1,15}-\d{1,15}")


class EventsQuery(BaseModel):
    last_event_id: str = Field(
        "",
        pattern=rf"^({EVENT_ID.pattern})?$",
        description="Begin after this event, for clients that can't send the header Last-Event-ID, which goes first.",
    )


class SnapshotData(Answer):
    """The job as it is, in place of the events before."""

    state: State
    stage: Stage | None
    progress: float
    text: str = Field(description="All of it so far; of a succeeded job the transcript's.")


class StateData(Answer):
    state: State
    stage: Stage | None


class TextData(Answer):
    delta: str = Field(description="What was added to the text.")
    progress: float


class ProgressData(Answer):
    progress: float


class EndData(Answer):
    """The last event."""

    state: Literal["succeeded", "failed", "cancelled", "deleted"]
    error: Trouble | None


NoteName = Annotated[str, StringConstraints(min_length=1, max_length=64)]
NoteText = Annotated[str, StringConstraints(max_length=100)]


class ListQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")  # a misspelt filter would show everything

    state: list[State] = Field(
        default_factory=list, max_length=5, description="Only jobs in this state; repeated: in any of these."
    )
    created_after: float | None = Field(
        None, ge=0, allow_inf_nan=False, description="Created at this time or later, in seconds since the epoch."
    )
    created_before: float | None = Field(None, ge=0, allow_inf_nan=False, description="Created before this time.")
    filename: str = Field("", max_length=100, description="A part of the file's name; of ASCII, in any case.")
    metadata: dict[NoteName, NoteText] = Field(
        default_factory=dict, max_length=4, description="`metadata[name]=text`: jobs with exactly these notes."
    )
    limit: int = Field(50, ge=1, le=200, description="Jobs on a page.")
    owner: str = Field("", max_length=64, description="Whose jobs; others than your own need the scope `admin`.")
    cursor: str = Field(
        "", pattern=r"^([0-9]{1,12}(\.[0-9]{1,20})?:[0-9a-f]{32})?$", description="`next_cursor` of the page before."
    )


TranscriptFormat = Literal["json", "txt", "srt", "vtt", "tsv"]


class TranscriptQuery(BaseModel):
    format: TranscriptFormat = Field("json", description="json holds everything; the others are for people.")
    timestamps: bool = Field(False, description="txt only: paragraphs, each with the time at which it starts.")
    script: Script | None = Field(None, description="Chinese in another script than the transcript's own.")
    columns: int | None = Field(
        None, ge=20, le=200, description="srt and vtt: most columns of a line; a full-width character takes two."
    )
    lines: int | None = Field(None, ge=1, le=2, description="srt and vtt: most lines of a cue.")


class Submission(JobOptions):
    """The fields of a submission, but for the file itself."""


class SubmissionQuery(Submission):
    """The same in the query; a form's own fields go before. Short enough for a request line, in any script."""

    metadata: dict[NoteName, NoteText] = Field(
        default_factory=dict,
        max_length=4,
        description="Your own notes, `metadata[name]=text`; at most 4 of 100 characters here, a form takes more.",
    )
    filename: str = Field("", max_length=255, description="The file's name, for a raw body.")


class UrlSubmission(Submission):
    """A submission by URL: a worker fetches the recording."""

    url: str = Field(
        max_length=2048,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f-\xa0]+$",
        description="Where the recording is; http or https, with no user name or password in it.",
        examples=["https://example.com/talk.mp3"],
    )
    filename: str = Field("", max_length=1000, description="Its name; by default the URL's last part.")


class UploadSubmission(Submission):
    """A submission whose file is here already."""

    upload_id: str = Field(max_length=64, description="A complete upload, by its id.")
    filename: str = Field("", max_length=1000, description="The file's name; the upload's own by default.")


CustomId = Annotated[str, StringConstraints(max_length=200)]


class UrlItem(UrlSubmission):
    """An item of a batch: a recording at a URL."""

    custom_id: CustomId | None = Field(None, description="Your own name for it, given back with its result.")


class UploadItem(UploadSubmission):
    """An item of a batch: a complete resumable upload."""

    custom_id: CustomId | None = Field(None, description="Your own name for it, given back with its result.")


class BatchSubmission(BaseModel):
    """A manifest as one JSON document."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=200, description="Your own name for the batch.")
    options: Submission = Field(default_factory=Submission, description="For every item that doesn't say otherwise.")
    items: list[UrlItem | UploadItem] = Field(max_length=10_000)


class BatchQuery(BaseModel):
    name: str = Field("", max_length=200, description="Your own name for the batch, for a manifest as JSON Lines.")


class BatchesQuery(BaseModel):
    limit: int = Field(50, ge=1, le=200, description="Batches on a page.")
    cursor: str = Field(
        "", max_length=40, pattern=r"^(\d{1,16}\.\d{1,16})?$", description="`next_cursor` of the page before."
    )


class ItemsQuery(BaseModel):
    limit: int = Field(100, ge=1, le=1000, description="Items on a page.")
    cursor: int = Field(0, ge=0, le=10_000, description="`next_cursor` of the page before.")


class ExportQuery(BaseModel):
    format: Literal["jsonl", "zip"] = Field(
        "jsonl", description="jsonl: an item a line, its transcript in it; zip: the transcripts as .txt and .srt."
    )


class BatchCounts(Answer):
    """Items by what has become of them."""

    pending: int = Field(description="Accepted, not yet jobs.")
    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    rejected: int = Field(description="Will be no job; each item's `error` says why.")
    deleted: int = Field(description="Their jobs were deleted.")


class BatchLinks(Answer):
    """Paths on this server."""

    self_: str = Field(alias="self")
    items: str
    export: str
    cancel: str


class BatchHead(Answer):
    """A batch, without how far it is."""

    id: str
    name: str
    created_at: float
    total: int = Field(description="Items in the manifest, bad lines included.")
    links: BatchLinks


class BatchView(BatchHead):
    """A batch as clients see it."""

    state: Literal["entering", "running", "ended", "cancelling", "cancelled"] = Field(
        description="entering: items are still being turned into jobs; ended: every job has."
    )
    counts: BatchCounts
    duration_s: float = Field(description="Length of all audio, as far as it is decoded.")
    covered_s: float = Field(description="How much of it is transcribed.")
    audio_hours: float = Field(description="duration_s in hours.")


class BatchPage(Answer):
    """One owner's batches, newest first."""

    batches: list[BatchHead]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class ItemView(Answer):
    """An item of a batch."""

    index: int = Field(description="Its place in the manifest, from 0.")
    custom_id: str | None
    filename: str | None
    state: Literal["pending", "queued", "running", "succeeded", "failed", "cancelled", "rejected", "deleted"]
    job_id: str | None = Field(description="Its job, once it is one.")
    error: Trouble | None = Field(description="Why it was rejected or failed.")


class ItemPage(Answer):
    """Items of a batch, in the manifest's order."""

    items: list[ItemView]
    next_cursor: int | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class UploadView(Answer):
    """A resumable upload."""

    id: str
    filename: str
    size_bytes: int = Field(description="Of the whole file, as announced.")
    offset: int = Field(description="Bytes that are here; the next one is to be sent from there on.")
    created_at: float
    expires_at: float = Field(description="When it is removed if nothing more comes.")
    job_id: str | None = Field(description="The job that was made of it.")


class ModelView(Answer):
    """A model that a worker has announced."""

    id: str = Field(description="Its name in a job's `model`.")
    object: Literal["model"] = "model"
    created: int = Field(0, description="Always 0; OpenAI's clients want the field.")
    owned_by: str = "tingxie"
    revision: str
    dtype: str
    family: str
    language: str
    workers: int = Field(description="Live workers that serve it now.")
    alias_of: str | None = Field(None, description="The model that an alias on OpenAI's paths stands for.")


class ModelList(Answer):
    object: Literal["list"] = "list"
    data: list[ModelView]


class Check(Answer):
    """One thing this service needs."""

    ok: bool
    detail: str
    warning: bool = Field(default=False, description="It works, but an operator should look at it.")


class Readiness(Answer):
    """Whether jobs are accepted, and whether there is anybody to work on them."""

    ready: bool = Field(description="What was asked for is the case: the answer is 200, else 503.")
    accepting: bool = Field(description="Redis and the store work: submissions are accepted.")
    working: bool = Field(description="Accepting, and live workers of both kinds.")
    checks: dict[str, Check] = Field(description="redis, store, transcribe_workers, cpu_workers, models, oldest_wait.")


class ReadyQuery(BaseModel):
    want: Literal["working", "accepting"] = Field("working", description="What ready means to the caller.")


class Index(Answer):
    name: str
    version: str
    links: dict[str, str] = Field(description="Paths on this server.")


class ProblemKind(Answer):
    """A kind of error."""

    type: str
    title: str
    remedy: str


class Alive(Answer):
    status: Literal["ok"] = "ok"


class FieldError(Answer):
    field: str
    message: str


class ProblemView(BaseModel):
    """RFC 9457."""

    type: str = Field(description="`/problems/` and the error's stable name.", examples=["/problems/job-not-found"])
    title: str
    status: int
    detail: str
    remedy: str = Field(description="What to do about it.")
    request_id: str = Field(description="Also in the X-Request-Id header and in the server's log.")
    errors: list[FieldError] = Field(default_factory=list, description="The fields at fault, where there are any.")
