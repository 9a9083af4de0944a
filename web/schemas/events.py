"""What the events of a job carry."""

import re
from typing import Literal

from pydantic import BaseModel, Field

from jobs.job import Stage, State
from web.schemas.answer import Answer
from web.schemas.errors import Trouble

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
