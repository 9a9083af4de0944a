"""Several models and revisions at once, with real workers: a job's windows all go through the one it is pinned to."""

import io
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.job import State
from jobs.settings import Settings
from jobs.transcript import Transcript
from tests.equality.comparing import assert_equal, assert_meaningful
from tests.equality.random_models import RATE, make_ctc, sound
from tests.equality.reference import untouched
from tests.support.service import Service, service, start_transcriber
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(600)

CUTS = {"cutting": "fixed", "window_s": 5.0, "context_s": 0.6}
SECONDS = 60.0


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two models of one kind with other weights."""
    return make_ctc(tmp_path / "first", norm="layer"), make_ctc(tmp_path / "second", norm="layer", seed=1)


def submit(running: Service, wave: np.ndarray, model: Path) -> str:
    buffer = io.BytesIO()
    soundfile.write(buffer, wave, RATE, format="WAV", subtype="PCM_16")
    return running.submit_bytes(buffer.getvalue(), model=str(model), **CUTS)


def succeeded(running: Service, job_id: str) -> Transcript:
    job = running.wait(job_id)
    assert job.state == State.SUCCEEDED, job
    return running.transcript(job_id)


def check(ours: Transcript, folder: Path, wave: np.ndarray) -> None:
    """Every character and time is that of the model in the folder."""
    theirs = untouched(folder, wave, window_s=5.0, context_s=0.6, timestamps="char")
    assert_meaningful(theirs, len(wave) / RATE)
    assert_equal(ours, theirs, "char")


@pytest.mark.full
def test_two_revisions_side_by_side_never_mix(folders: tuple[Path, Path], settings: Settings, tmp_path: Path) -> None:
    """The first's only worker is frozen in the middle of a job: the second, idle, must leave that job alone."""
    served, (old, new) = tmp_path / "served", folders
    shutil.copytree(old, served)
    wave = sound(SECONDS)
    usual = {"transcribe": "tingxie", "model": served, "dtype": "float32", "device": "cpu", "batch_windows": 1}
    with service(settings, tmp_path / "service", batch_compute_s=0.05, **usual) as running:
        first = submit(running, wave, served)
        running.covered(first)
        running.kill("transcribe-1", signal.SIGSTOP)
        before = running.job(first)
        assert not before.state.is_terminal
        served.rename(tmp_path / "replaced")  # not overwritten: the first worker's weights are mapped from there
        shutil.copytree(new, served)
        start_transcriber(running, "transcribe-2", "tingxie")
        assert eventually(lambda: len(running.ledger.models()) == 2, 60.0)
        second = submit(running, wave, served)
        later = succeeded(running, second)
        assert running.job(first).covered_s == before.covered_s
        running.kill("transcribe-1", signal.SIGCONT)
        earlier = succeeded(running, first)
        revisions = [running.job(job_id).revision for job_id in (first, second)]
    assert revisions == [earlier.revision, later.revision]
    assert earlier.revision != later.revision
    check(earlier, old, wave)
    check(later, new, wave)


@pytest.mark.full
def test_one_command_serves_several_models(folders: tuple[Path, Path], settings: Settings, tmp_path: Path) -> None:
    one, other = folders
    wave = sound(20.0)
    options = {"models": f"{one},{other}", "dtype": "float32", "device": "cpu"}
    with service(settings, tmp_path / "service", transcribe="tingxie", model=one, **options) as running:
        running.wait_for_workers(transcribe=2, cpu=1)
        jobs = [submit(running, wave, folder) for folder in (one, other)]
        transcripts = [succeeded(running, job_id) for job_id in jobs]
        assert {worker.model_keys for worker in running.workers("transcribe")} == {
            (spec.key,) for spec, _ in running.ledger.models()
        }
        crew = running.kill("transcribe-1", signal.SIGTERM)
        assert crew.wait() == 0
        assert running.workers("transcribe") == []
    for ours, folder in zip(transcripts, folders, strict=True):
        check(ours, folder, wave)
