"""The three phases in this process, over a real ledger and a real store; several workers take turns.

The whole service with its processes is in test_service.py; here each case costs only its arithmetic.
"""

import io
import uuid
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any

import numpy as np
import soundfile

from jobs.job import JobRequest, State
from jobs.ledger import Ledger, WindowResult, WorkerInfo
from jobs.settings import Settings
from jobs.store import AudioStore, Measured, layout
from jobs.transcript import Transcript
from jobs.window import Window
from worker import samples
from worker.finish import finish
from worker.forward import ForwardInput
from worker.model import LoadedModel
from worker.prepare import prepare


@dataclass
class Chain:
    """workers: how many claim in turn. batch: windows that each may claim. stored: the last job's windows."""

    settings: Settings
    ledger: Ledger
    store: AudioStore
    model: LoadedModel
    workers: int = 1
    batch: int = 16
    stored: list[tuple[Window, np.ndarray]] = field(default_factory=list)

    def transcribe(self, wave: np.ndarray, **options: Any) -> Transcript:
        """One job from its upload, a 16-bit WAV, to its transcript."""
        self.model.save_tokenizer(self.store)
        self.ledger.announce(self.model.spec)
        job_id = self._submit(wave, **options)
        incarnations = [self._join() for _ in range(self.workers)]
        unit = self.ledger.claim_prepare(incarnations[0], uuid.uuid4().hex)
        assert unit
        prepare(unit, self.ledger, self.store, self.settings, should_yield=lambda: False)
        self._run_windows(incarnations)
        heard = [window for window, payload in self.ledger.results(job_id) if payload]
        self.stored = [(window, self._samples(job_id, window)) for window in heard]
        last = self.ledger.claim_finish(incarnations[-1], uuid.uuid4().hex)
        assert last
        finish(last, self.ledger, self.store, self.settings)
        job = self.ledger.job(job_id)
        assert job.state == State.SUCCEEDED, job
        assert job.covered_s == job.duration_s
        return Transcript.model_validate_json(self.store.read(layout.transcript(job_id)))

    def _submit(self, wave: np.ndarray, **options: Any) -> str:
        job_id, buffer = uuid.uuid4().hex, io.BytesIO()
        soundfile.write(buffer, wave, self.model.spec.sampling_rate_hz, format="WAV", subtype="PCM_16")
        audio = Measured([buffer.getvalue()])
        self.store.write(layout.audio(job_id), audio)
        usual: dict[str, Any] = {"language": None, "task": "transcribe", "timestamps": "segment", "cutting": "silence"}
        request = JobRequest(
            id=job_id, owner=job_id, created_at=self.ledger.now(), filename="a.wav", size_bytes=audio.stored.size_bytes,
            sha256=audio.stored.sha256, model=self.model.spec.model, priority="normal", metadata={}, **usual | options,
        )  # fmt: skip
        self.ledger.create(request)  # of an owner of its own: it shares no other job's work
        return job_id

    def _join(self) -> str:
        incarnation = uuid.uuid4().hex
        for kind in ("cpu", "transcribe"):
            self.ledger.beat(WorkerInfo(incarnation, kind, "here", 1, (self.model.spec.key,), 1, 0.0, "test"))
        return incarnation

    def _run_windows(self, incarnations: list[str]) -> None:
        """Each worker claims, runs and commits a batch in turn; every second one commits out of order."""
        for number, incarnation in enumerate(cycle(incarnations)):
            leases = self.ledger.claim_windows(
                incarnation, uuid.uuid4().hex, self.model.spec.key, max_windows=self.batch, max_samples=10**9
            )
            if not leases:
                return
            self.ledger.start(incarnation, leases)
            inputs = [ForwardInput(lease, self._samples(lease.job_id, lease.window)) for lease in leases]
            outputs = self.model.forward(inputs)
            results = [
                WindowResult(lease, output.payload, output.text) for lease, output in zip(leases, outputs, strict=True)
            ]
            committed = self.ledger.commit(incarnation, results[:: -1 if number % 2 else 1])
            assert committed.accepted == len(leases)

    def _samples(self, job_id: str, window: Window) -> np.ndarray:
        return samples.decode(self.store.read(layout.window(job_id, window.index)))
