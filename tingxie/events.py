"""What happens to a job, as the server sends it (Server-Sent Events)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from httpx_sse import ServerSentEvent


@dataclass(frozen=True, slots=True)
class Event:
    """`id` resumes after this one; `kind` and `data` as docs/api.md lists them."""

    id: str
    kind: str
    data: Mapping[str, Any]

    @classmethod
    def of(cls, sent: ServerSentEvent) -> "Event":
        """Raises ValueError or TypeError where the data isn't a JSON object."""
        data = json.loads(sent.data or "{}")
        if not isinstance(data, dict):
            raise TypeError(f"the event {sent.event} carries no object")
        return cls(sent.id, sent.event, data)

    @property
    def ends_the_job(self) -> bool:
        """Whether it is the last one."""
        return self.kind == "end"
