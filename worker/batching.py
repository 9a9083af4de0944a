"""How large the next batch may be, and when to claim it: from the speeds that were measured, and from what has run out
of memory.
"""

import time
from dataclasses import dataclass

from jobs.ledger.units import Work
from jobs.settings import Settings

#: the weight of what was measured before, against one more batch
MEMORY = 0.7
#: a batch is claimed so long before the device is free, and as long again as claiming and loading lately took, twice
LEAD_S, LEAD_TIMES = 0.1, 2
#: of a whole batch's compute, what an idle device gets first: the rest is claimed and loaded while that runs
FIRST_SHARE = 0.1
#: one window alone leaves a quarter of a large model's speed on a CPU unused, two a seventh: so many may take so many
#: times what a batch may, and be as much longer than others
FEW, FEW_TIMES, FEW_LONGER = (4, 2), 5.0, 1.5


@dataclass(frozen=True, slots=True)
class BatchLimit:
    """What to ask the ledger for; it gives one window at least."""

    windows: int
    samples: int


class BatchPlan:
    """`ran` is called by whoever has the device, `fetched` by whoever claims; anybody may ask."""

    def __init__(self, settings: Settings, sampling_rate_hz: int) -> None:
        self._settings = settings
        self._rate_hz = sampling_rate_hz
        self._samples = self._kept_samples = self._windows = self._seconds = 0.0
        self._fetch_s = 0.0
        self._memory_samples: int | None = None
        self._busy_s = 0.0
        self._ended_at: float | None = None  # the last batch, unless there was nothing to do since
        self.work = Work()

    @property
    def limit(self) -> BatchLimit:
        """One window until a speed is known; then at most `batch_compute_s` of predicted compute, or a few windows."""
        if self._seconds == 0:
            return BatchLimit(1, 1)
        windows = self._settings.batch_windows
        samples = int(self._samples / self._seconds * self._settings.batch_compute_s)
        for few in FEW:
            needed = int(few * self._samples / self._windows)
            if samples < needed <= FEW_TIMES * samples:
                windows, samples = min(windows, few), int(FEW_LONGER * needed)
                break
        if self._memory_samples is not None:
            samples = min(samples, self._memory_samples)
        return BatchLimit(windows, max(1, samples))

    @property
    def first_limit(self) -> BatchLimit:
        """For a device that is idle: enough to keep it busy for as long as a whole batch takes to load."""
        limit = self.limit
        return BatchLimit(limit.windows, max(1, int(FIRST_SHARE * limit.samples)))

    @property
    def speed(self) -> float:
        """Seconds of audio transcribed per second in which there is work, context not counted; 0 until known.

        What is delivered: the time between batches counts too, in which the next one is loaded or the ledger asked.
        """
        return self._kept_samples / self._rate_hz / self._busy_s if self._busy_s else 0.0

    @property
    def lead_s(self) -> float:
        """How long before the device is free its next batch is to be claimed. Not earlier: what is claimed ahead is
        what a short job waits for, and what a crash gives back late.
        """
        return LEAD_S + LEAD_TIMES * self._fetch_s

    def expected_s(self, samples: int) -> float:
        """Predicted compute of a batch; 0 until a speed is known."""
        return samples * self._seconds / self._samples if self._samples else 0.0

    def fetched(self, seconds: float) -> None:
        """Claiming and loading a batch took so long."""
        self._fetch_s = max(seconds, MEMORY * self._fetch_s)

    def ran(self, *, samples: int, kept_samples: int, seconds: float, windows: int = 1) -> None:
        """A batch came out: so many samples with their context, so many without it."""
        done, limit = self.work, self.limit
        fill = max(samples / max(samples, limit.samples), windows / limit.windows)
        self.work = Work(
            batches=done.batches + 1,
            windows=done.windows + windows,
            useful_s=done.useful_s + kept_samples / self._rate_hz,
            read_s=done.read_s + samples / self._rate_hz,
            compute_s=done.compute_s + seconds,
            fill=done.fill + min(fill, 1.0),
        )
        self._samples = MEMORY * self._samples + samples
        self._windows = MEMORY * self._windows + windows
        self._kept_samples = MEMORY * self._kept_samples + kept_samples
        self._seconds = MEMORY * self._seconds + max(seconds, 1e-6)
        now = time.monotonic()
        since_last = seconds if self._ended_at is None else now - self._ended_at
        self._busy_s, self._ended_at = MEMORY * self._busy_s + max(seconds, since_last, 1e-6), now

    def idled(self) -> None:
        """There was nothing to claim: the time until the next batch doesn't count."""
        self._ended_at = None

    def out_of_memory(self, samples: int) -> None:
        """A batch of so many samples didn't fit: from now on, at most half of that."""
        self._memory_samples = samples // 2
