"""A resumable upload: its record in the store, and the parts that have arrived of it.

The store is the truth about what is here: the parts are whole objects, each synced before the next, so the offset
survives every crash and the loss of Redis.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from jobs.job import JobOptions


class Upload(BaseModel):
    """An upload as its client announced it; the record is written again only when its length is announced later, and
    when a job is made of it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    created_at: float
    #: None: the client doesn't know yet
    size_bytes: int | None
    filename: str
    #: the Upload-Metadata header as it came, to be given back
    metadata: str = ""
    #: what the job is to be, where the upload becomes one by itself
    options: JobOptions = Field(default_factory=JobOptions)
    submit: bool = False
    #: the id of its job, chosen before the job is made, so that making it twice makes one
    job_id: str = ""
    #: the job is accepted, and the parts are gone
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One object of an upload: the bytes [start, stop)."""

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """An upload with what is here of it. touched_at: when the last byte came, by the store's clock."""

    upload: Upload
    parts: list[Part]
    touched_at: float

    @property
    def offset(self) -> int:
        """Bytes that are here without a gap, from the first on."""
        if self.upload.is_job and self.upload.size_bytes is not None:
            return self.upload.size_bytes
        return max((stop for _, _, stop in stretches(self.parts)), default=0)

    @property
    def is_complete(self) -> bool:
        return self.offset == self.upload.size_bytes


def stretches(parts: Iterable[Part]) -> Iterator[tuple[Part, int, int]]:
    """The parts that make up the upload from its first byte, each with where to begin and end in the whole.

    Parts may overlap: a request whose lock lapsed may have written beside the one that took over.
    """
    ordered = sorted(parts, key=lambda part: part.start)
    reached = index = 0
    while True:
        best = Part("", reached, reached)
        while index < len(ordered) and ordered[index].start <= reached:
            best = max(best, ordered[index], key=lambda part: part.stop)
            index += 1
        if best.stop <= reached:
            return
        yield best, reached, best.stop
        reached = best.stop
