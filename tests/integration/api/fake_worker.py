"""A worker's part, played against the real ledger step by step, so that tests see every state without a model."""

import itertools
import threading

from jobs.errors import AudioUnreadable, Problem
from jobs.ledger import Ledger, PrepareUnit, Refused, WindowResult, WorkerInfo
from jobs.ledger.units import DeviceMemory
from jobs.model import ModelSpec
from jobs.settings import DEFAULT_MODEL
from jobs.store import AudioStore, layout
from jobs.transcript import Char, Segment, Transcript
from jobs.waveform import Waveform
from jobs.window import Window

SAMPLES = 8_000
RATE = 16_000
TEXT = "你好"
WAVEFORM = Waveform(duration_s=SAMPLES / RATE, step_s=0.01, peak=0.25, channels=[[0, 255] * 25])
#: of its device
MEMORY = DeviceMemory(used=1_000, peak=2_000, total=4_000)


def spec(model: str = DEFAULT_MODEL, **changes: object) -> ModelSpec:
    facts: dict[str, object] = {
        "model": model,
        "revision": "abc",
        "dtype": "float32",
        "family": "ctc",
        "sampling_rate_hz": RATE,
        "hop_samples": 320,
        "receptive_field_samples": 400,
        "max_window_s": 60.0,
        "equal_lengths_only": False,
        "language": "zh",
        "blank_id": 0,
    }
    return ModelSpec(**{**facts, **changes})  # type: ignore[arg-type]


class FakeWorker:
    """One incarnation that does both kinds of unit, one call a step."""

    def __init__(self, ledger: Ledger, store: AudioStore) -> None:
        self._ledger = ledger
        self._store = store
        self.name = "fake-1"
        self._claims = (f"claim-{n}" for n in itertools.count())

    def serve(self, model: ModelSpec | None = None) -> ModelSpec:
        """Announce a model, and be alive as a worker of both kinds for the length of a lease."""
        served = model or spec()
        self._ledger.announce(served)
        self._ledger.beat(
            WorkerInfo(f"{self.name}-transcribe", "transcribe", "here", 1, (served.key,), 1, 10.0, "0", memory=MEMORY)
        )
        self._ledger.beat(WorkerInfo(f"{self.name}-cpu", "cpu", "here", 2, (), 1, 0.0, "0"))
        return served

    def prepare(self) -> PrepareUnit:
        """Claim the next job and register its one window."""
        unit = self._ledger.claim_prepare(f"{self.name}-cpu", next(self._claims))
        assert unit is not None
        self._prepare(unit)
        return unit

    def _prepare(self, unit: PrepareUnit) -> None:
        self._ledger.start(f"{self.name}-cpu", unit)
        window = Window(0, 0, SAMPLES, 0, 0)
        self._ledger.register(unit, [window], decoded_s=SAMPLES / RATE, duration_s=SAMPLES / RATE)
        self._store.write(layout.waveform(unit.job_id), [WAVEFORM.model_dump_json().encode()])
        self._ledger.prepared(unit, total_samples=SAMPLES, warnings=[])

    def transcribe(self, model: ModelSpec) -> None:
        leases = self._ledger.claim_windows(
            f"{self.name}-transcribe", next(self._claims), model.key, max_windows=8, max_samples=10**9
        )
        assert leases
        self._ledger.start(f"{self.name}-transcribe", leases)
        self._ledger.commit(f"{self.name}-transcribe", [WindowResult(lease, b"tokens", TEXT) for lease in leases])

    def finish(self) -> str:
        """Write the transcript; returns the job's id."""
        unit = self._ledger.claim_finish(f"{self.name}-cpu", next(self._claims))
        assert unit is not None
        self._ledger.start(f"{self.name}-cpu", unit)
        written = transcript(unit.job_id).model_dump_json().encode()
        self._store.write(layout.transcript(unit.job_id), [written], sync=True)
        self._ledger.finished(unit, warnings=[])
        return unit.job_id

    def succeed(self) -> str:
        """Take the next job all the way."""
        model = self.serve()
        self.prepare()
        self.transcribe(model)
        return self.finish()

    def work(self, stopping: threading.Event) -> None:
        """Take whatever waits, until told to stop: every third job fails; those that clients end meanwhile are left."""
        model = self.serve()
        for number in itertools.count():
            while (unit := self._ledger.claim_prepare(f"{self.name}-cpu", next(self._claims))) is None:
                if stopping.wait(0.05):
                    return
            try:
                if number % 3 == 2:
                    self._ledger.fail_job(unit, Problem.of(AudioUnreadable("it holds a poem")))
                else:
                    self._prepare(unit)
                    self.transcribe(model)
                    self.finish()
            except (Refused, AssertionError):  # cancelled or deleted before it came to that
                continue

    def fail(self, problem: Problem) -> None:
        """Claim the next job and find that it can't succeed."""
        self.serve()
        unit = self._ledger.claim_prepare(f"{self.name}-cpu", next(self._claims))
        assert unit is not None
        self._ledger.fail_job(unit, problem)


def transcript(job_id: str) -> Transcript:
    return Transcript(
        job_id=job_id,
        model=DEFAULT_MODEL,
        revision="abc",
        language="zh",
        duration_s=SAMPLES / RATE,
        text=TEXT,
        confidence=0.9,
        segments=[Segment(id=0, start_s=0.1, end_s=0.4, text=TEXT, confidence=0.9)],
        words=[],
        chars=[Char(text="你", start_s=0.1, end_s=0.12), Char(text="好", start_s=0.3, end_s=0.4)],
    )
