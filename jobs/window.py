"""A window: the stretch of a job's audio, context included, that one forward pass reads."""

from dataclasses import dataclass, replace

#: a window must keep at least this share of what it reads; less is a mistake in the settings
MIN_KEPT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Window:
    """Positions in samples at the model's rate, from the start of the job's audio.

    The forward pass reads [start_sample, stop_sample); what it keeps is [cut_start, cut_stop): the windows' kept
    stretches lie end to end and cover the whole audio.
    """

    index: int
    start_sample: int
    stop_sample: int
    left_samples: int
    right_samples: int

    @property
    def cut_start(self) -> int:
        return self.start_sample + self.left_samples

    @property
    def cut_stop(self) -> int:
        return self.stop_sample - self.right_samples

    @property
    def samples(self) -> int:
        """Samples that are computed, context included."""
        return self.stop_sample - self.start_sample

    def moved(self, samples: int) -> "Window":
        """The same window so many samples later on the timeline."""
        return replace(self, start_sample=self.start_sample + samples, stop_sample=self.stop_sample + samples)

    def encode(self) -> str:
        """The form kept in the ledger: `start:stop:left:right`; the index is its key."""
        return f"{self.start_sample}:{self.stop_sample}:{self.left_samples}:{self.right_samples}"

    @classmethod
    def decode(cls, index: int, text: str) -> "Window":
        start, stop, left, right = (int(part) for part in text.split(":"))
        return cls(index, start, stop, left, right)
