"""Long silences left out, through real workers and the bundled model: the same text in its place, for less."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.job import Job, State
from jobs.settings import Settings
from jobs.transcript import Transcript
from tests.support.service import Service, service

HELDOUT = Path(__file__).parents[1] / "data" / "heldout"
RATE = 16_000
SILENCE_S = 30.0


def spoken(name: str) -> np.ndarray:
    return soundfile.read(HELDOUT / name, dtype="float32")[0]


def wav(audio: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, audio, RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def transcribe(running: Service, audio: np.ndarray, **options: object) -> tuple[Job, Transcript]:
    job = running.wait(running.submit_bytes(wav(audio), **options))
    assert job.state is State.SUCCEEDED, job.error
    assert job.covered_s == job.duration_s == len(audio) / RATE
    return job, running.transcript(job.id)


def committed(running: Service) -> int:
    return running.ledger.counters()["committed"]


@pytest.mark.timeout(300)
def test_a_long_silence_costs_nothing_and_moves_nothing(settings: Settings, tmp_path: Path) -> None:
    first, second = spoken("f4-000.opus"), spoken("m3-000.opus")
    silence = np.random.default_rng(3).standard_normal(round(SILENCE_S * RATE), np.float32) * np.float32(1e-4)
    audio = np.concatenate([first, silence, second])
    with service(
        settings, tmp_path / "logs", transcribe="tingxie", model="bundled", device="cpu", dtype="float32"
    ) as running:
        whole_job, whole = transcribe(running, audio)
        whole_windows = committed(running)
        job, transcript = transcribe(running, audio, skip_silence=True)
        windows = committed(running) - whole_windows
        quiet_job, quiet = transcribe(running, silence, skip_silence=True)
        quiet_windows = committed(running) - whole_windows - windows
    assert len(set(whole.text)) > 10
    assert transcript.text == whole.text
    assert whole_job.skipped_s == 0
    assert job.skipped_s == pytest.approx(SILENCE_S - 1.0, abs=0.6)
    assert (windows, quiet_windows) == (2, 0)
    assert windows < whole_windows
    times = np.array([[char.start_s, char.end_s] for char in transcript.chars or []])
    expected = np.array([[char.start_s, char.end_s] for char in whole.chars or []])
    assert np.abs(times - expected).max() < 0.1
    assert times.max() > SILENCE_S + len(first) / RATE
    assert (quiet.text, quiet_job.skipped_s) == ("", SILENCE_S)
    assert "no-speech" in [warning["type"] for warning in quiet_job.warnings]
