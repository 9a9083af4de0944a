"""What the server answers, as small typed records: a job, a page of jobs, a problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

#: the states that a job never leaves
ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as problem+json (RFC 9457) tells it; `remedy` says what to do and may be empty."""

    type: str
    title: str
    detail: str
    remedy: str = ""

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Problem":
        title = str(body.get("title") or "The request failed")
        return cls(
            type=str(body.get("type") or "about:blank"),
            title=title,
            detail=str(body.get("detail") or title),
            remedy=str(body.get("remedy") or ""),
        )

    @property
    def sentence(self) -> str:
        """Title and detail in one line, the detail only where it adds something."""
        return self.title if self.detail == self.title else f"{self.title}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Job:
    """A job as `GET /v1/jobs/{id}` answers it. Times are seconds since the epoch, lengths are seconds of audio.

    `raw` is the whole answer, with the fields that this version of the client doesn't name.
    """

    id: str
    state: str
    stage: str | None
    model: str
    filename: str
    created_at: float | str | None
    duration_s: float | None
    covered_s: float
    progress: float
    queue_position: int | None
    eta_s: float | None
    partial_text: str
    problem: Problem | None
    warnings: tuple[Mapping[str, Any], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Job":
        """Raises KeyError where `id` or `state` is missing."""
        error = body.get("error")
        return cls(
            id=body["id"],
            state=body["state"],
            stage=body.get("stage"),
            model=body.get("model") or "",
            filename=body.get("filename") or "",
            created_at=body.get("created_at"),
            duration_s=body.get("duration_s"),
            covered_s=body.get("covered_s") or 0.0,
            progress=body.get("progress") or 0.0,
            queue_position=body.get("queue_position"),
            eta_s=body.get("eta_s"),
            partial_text=body.get("partial_text") or "",
            problem=Problem.from_json(error) if error else None,
            warnings=tuple(body.get("warnings") or ()),
            raw=body,
        )

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def succeeded(self) -> bool:
        return self.state == "succeeded"


@dataclass(frozen=True, slots=True)
class JobPage:
    """One page of a job list, newest first; `cursor` asks for the next page and is empty on the last."""

    jobs: tuple[Job, ...]
    cursor: str = ""
