"""A batch: many submissions in one manifest. Its record, its items, and how it stands."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import Problem
from jobs.job import JobOptions, State

Stage = Literal["entering", "entered", "cancelling", "cancelled", "deleting"]


class Batch(BaseModel):
    """A batch as accepted: written to the store as `batch.json`, after its items. Never changes."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    name: str
    created_at: float
    items: int
    #: lines of the manifest that are no items
    refused: int


class BatchItem(BaseModel):
    """One line of a manifest. Either it has a source, or `error` says why it will become no job."""

    model_config = ConfigDict(frozen=True)

    custom_id: str | None = None
    filename: str = ""
    url: str | None = None
    upload_id: str | None = None
    #: the batch's own and the item's, joined
    options: JobOptions = Field(default_factory=JobOptions)
    error: dict[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is. next: items that were looked at. errors: of those that became no job on the way, by index."""

    batch: Batch
    stage: Stage
    next: int
    refused_left: int
    errors: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return self.batch.refused + len(self.errors)

    @property
    def pending(self) -> int:
        """Items that are yet to become jobs."""
        return self.batch.items - self.next - self.refused_left


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a batch's items. pending: yet to become jobs. rejected: will never be one. deleted: its job was."""

    pending: int = 0
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    rejected: int = 0
    deleted: int = 0
    duration_s: float = 0.0
    covered_s: float = 0.0

    @property
    def is_settled(self) -> bool:
        return not (self.pending or self.queued or self.running)


@dataclass(frozen=True, slots=True)
class ItemState:
    """How the job of an item stands; None where the ledger has none."""

    state: State | None
    error: dict[str, Any] | None = None


def item_job_id(batch_id: str, index: int) -> str:
    """The id of an item's job, so that entering it twice makes one (the script batch_jobs builds it too)."""
    return f"{batch_id}{index:06d}"


def problem_of(problem: Problem) -> dict[str, str]:
    return asdict(problem)
