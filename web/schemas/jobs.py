"""Jobs as clients see them, and how they ask for them."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from jobs.job import Job, Stage, State
from web.schemas.answer import Answer
from web.schemas.errors import Trouble

#: what a job's links name besides itself, each by the last part of its path
LINKED = ("transcript", "events", "audio", "waveform", "cancel", "retry")


class Links(Answer):
    """Paths on this server."""

    self_: str = Field(alias="self", description="This job.", examples=["/v1/jobs/0f8c"])
    transcript: str = Field(description="Its transcript, once it has succeeded.")
    events: str = Field(description="Its server-sent events.")
    audio: str = Field(description="The recording as it was uploaded.")
    waveform: str = Field(description="What a player draws of it.")
    cancel: str = Field(description="POST here to cancel it.")
    retry: str = Field(description="POST here to try it again, once it has failed or was cancelled.")


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
