"""Equality through the whole service: real worker processes of one model, several at once.

What transformers says is compared with the transcript in the store; the windows for (b) are those in the store.
"""

import io
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.job import State
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import layout, open_store
from jobs.transcript import Transcript
from tests.equality.chain import Chain
from tests.equality.comparing import assert_equal, assert_meaningful
from tests.equality.random_models import RATE, sound
from tests.equality.reference import phases, untouched
from tests.equality.speech import speech
from tests.support.service import Service, service
from worker import samples
from worker.model import load_model
from worker.model_folder import BUNDLED_FOLDER

# Transformers' own word about a window for which a random model generated one token.
pytestmark = pytest.mark.filterwarnings(r"ignore:std\(\)")
full = pytest.mark.full
#: ten minutes through five processes on two cores that others use too
JOB_S = 600.0


@dataclass(frozen=True)
class Case:
    """workers: transcribe processes; batch: windows that each claims at most; seconds: one job of each length."""

    kind: str
    workers: int
    batch: int
    seconds: tuple[float, ...]

    def __str__(self) -> str:
        return "-".join(str(value) for value in astuple(self))


CTC = [
    Case("layer", 2, 4, (1.0, 40.0)),
    *(
        pytest.param(Case(kind, workers, batch, (1.0 if kind != "bundled" else 8.0, 61.3, 600.0)), marks=full)
        for kind in ("layer", "group", "bundled")
        for workers, batch in ((1, 1), (2, 16), (5, 4))
    ),
]
WHISPER = [
    pytest.param(Case("whisper", workers, batch, (8.0, 45.0)), marks=full)
    for workers, batch in ((1, 4), (2, 1), (5, 2))
]


@pytest.mark.parametrize("case", CTC, ids=str)
@pytest.mark.timeout(1500)
def test_ctc(case: Case, settings: Settings, ledger: Ledger, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = BUNDLED_FOLDER if case.kind == "bundled" else request.getfixturevalue(f"{case.kind}_folder")
    name = "bundled" if case.kind == "bundled" else str(folder)
    waves = [(speech if case.kind == "bundled" else sound)(seconds) for seconds in case.seconds]
    with serving(settings, tmp_path, name, case) as running:
        fixed = [submit(running, wave, cutting="fixed", window_s=5.0, context_s=0.6) for wave in waves]
        silence = [submit(running, wave, cutting="silence", window_s=6.0, context_s=0.5) for wave in waves]
        ours_fixed = [succeeded(running, job_id) for job_id in fixed]
        ours_silence = [succeeded(running, job_id) for job_id in silence]
        stored = [objects(running, job_id) for job_id in silence]
    for wave, ours in zip(waves, ours_fixed, strict=True):
        theirs = untouched(folder, wave, window_s=5.0, context_s=0.6, timestamps="char")
        assert_meaningful(theirs, len(wave) / RATE)
        assert_equal(ours, theirs, "char")
    # Where the windows lie is deterministic, so a second run in this process gives the strides.
    model = load_model(Settings(model=name, device="cpu", dtype="float32", model_threads=1))
    chain = Chain(settings, ledger, open_store(settings.store), model)
    for wave, ours, kept in zip(waves, ours_silence, stored, strict=True):
        chain.transcribe(wave, cutting="silence", window_s=6.0, context_s=0.5)
        assert [len(one) for one in kept] == [len(one) for _, one in chain.stored]
        strides = [(window.left_samples, window.right_samples) for window, _ in chain.stored]
        windows = [(one, *stride) for one, stride in zip(kept, strides, strict=True)]
        (theirs,) = phases(folder, windows, timestamps="char", together=True)
        assert_meaningful(theirs, len(wave) / RATE)
        assert_equal(ours, theirs, "char")


@pytest.mark.parametrize("case", WHISPER, ids=str)
@pytest.mark.timeout(1500)
def test_whisper(case: Case, settings: Settings, whisper_folder: Path, tmp_path: Path) -> None:
    options = {"cutting": "fixed", "window_s": 10.0, "context_s": 1.5, "language": "zh"}
    wanted = [(seconds, timestamps) for seconds in case.seconds for timestamps in ("none", "segment", "word")]
    with serving(settings, tmp_path, str(whisper_folder), case) as running:
        jobs = [submit(running, sound(seconds), timestamps=timestamps, **options) for seconds, timestamps in wanted]
        transcripts = [succeeded(running, job_id) for job_id in jobs]
    for (seconds, timestamps), ours in zip(wanted, transcripts, strict=True):
        theirs = untouched(whisper_folder, sound(seconds), window_s=10.0, context_s=1.5, timestamps=timestamps)
        assert_meaningful(theirs, seconds)
        assert_equal(ours, theirs, timestamps)


def serving(settings: Settings, tmp_path: Path, model: str, case: Case) -> AbstractContextManager[Service]:
    return service(
        settings,
        tmp_path / "service",
        transcribers=case.workers,
        transcribe="tingxie",
        model=model,
        dtype="float32",
        device="cpu",
        batch_windows=case.batch,
        sweep_s=3600,
    )


def submit(running: Service, wave: np.ndarray, **options: object) -> str:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, RATE, format="WAV", subtype="PCM_16")
    return running.submit_bytes(buffer.getvalue(), **options)


def succeeded(running: Service, job_id: str) -> Transcript:
    job = running.wait(job_id, JOB_S)
    assert job.state == State.SUCCEEDED, job
    assert job.covered_s == job.duration_s
    return running.transcript(job_id)


def objects(running: Service, job_id: str) -> list[np.ndarray]:
    """The stored windows' samples."""
    names = sorted(found.name for found in running.store.list(layout.windows(job_id)))
    return [samples.decode(running.store.read(name)) for name in names]
