"""Batches: manifests in, statuses and items out."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from web.schemas.answer import Answer
from web.schemas.errors import Trouble
from web.schemas.submissions import Submission, UploadSubmission, UrlSubmission

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
