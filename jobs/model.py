"""What the service knows of a model without loading it: identity, window geometry, timestamps it can give."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Literal

Family = Literal["ctc", "whisper"]


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model as a transcribe worker found it at start-up; announced in the ledger, pinned by each job.

    hop_samples: input samples per output frame (H, the product of the conv strides).
    receptive_field_samples: input samples that one output frame reads (RF). For Whisper both are those of its mel
    frames, and no window rule follows from them.
    max_window_s: the longest window, context included, that the family accepts in one forward pass.
    equal_lengths_only: its scores change with padding, and it is padded, so a batch holds windows of one length.
    """

    model: str
    revision: str
    dtype: str
    family: Family
    sampling_rate_hz: int
    hop_samples: int
    receptive_field_samples: int
    max_window_s: float
    equal_lengths_only: bool
    language: str
    blank_id: int | None

    @property
    def key(self) -> str:
        """The name of this model, revision and dtype in queue names and ledger keys (12 hex digits)."""
        identity = json.dumps([self.model, self.revision, self.dtype])
        return hashlib.sha256(identity.encode()).hexdigest()[:12]

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> "ModelSpec":
        """Fields that another version added are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in json.loads(text).items() if name in known})
