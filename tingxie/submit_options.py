"""What a user may choose for a job."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """None leaves it to the server; docs/api.md says what each one does."""

    model: str | None = None
    language: str | None = None
    priority: Literal["high", "normal", "low"] | None = None
    cutting: Literal["silence", "fixed"] | None = None
    task: Literal["transcribe", "translate"] | None = None
    timestamps: Literal["none", "segment", "word"] | None = None
    script: Literal["s2t", "t2s", "tw", "hk"] | None = None
    channels: Literal["mix", "split"] | None = None
    skip_silence: bool | None = None
    metadata: Mapping[str, str] | None = None
    webhook_url: str | None = None
    retention_s: float | None = None

    def document(self) -> dict[str, Any]:
        """What was chosen, for a JSON body."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def fields(self) -> dict[str, str]:
        """The same for a form."""
        return {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)
            for name, value in self.document().items()
        }
