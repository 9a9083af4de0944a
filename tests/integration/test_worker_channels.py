"""A call with one speaker a channel, through real workers and the bundled model: each is heard as if alone."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from jobs.job import State
from jobs.script import convert
from jobs.settings import Settings
from tests.support.service import Service, service

HELDOUT = Path(__file__).parents[1] / "data" / "heldout"
RATE = 16_000


def spoken(name: str) -> np.ndarray:
    samples, rate = soundfile.read(HELDOUT / name, dtype="float32")
    assert rate == RATE
    return samples


def wav(*channels: np.ndarray) -> bytes:
    """One file; the shorter channels end in silence."""
    length = max(map(len, channels))
    file = io.BytesIO()
    padded = [np.pad(channel, (0, length - len(channel))) for channel in channels]
    soundfile.write(file, np.stack(padded, axis=1), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def heard(running: Service, audio: bytes, **options: object) -> str:
    job_id = running.submit_bytes(audio, **options)
    job = running.wait(job_id)
    assert job.state is State.SUCCEEDED, job.error
    assert job.covered_s == job.duration_s
    return job_id


@pytest.mark.timeout(300)
def test_each_speaker_is_heard_alone(settings: Settings, tmp_path: Path) -> None:
    caller, agent = spoken("f4-000.opus"), np.concatenate([np.zeros(3 * RATE, np.float32), spoken("m3-000.opus")])
    length = max(len(caller), len(agent))
    with service(
        settings, tmp_path / "logs", transcribe="tingxie", model="bundled", device="cpu", dtype="float32"
    ) as running:
        alone = [
            running.transcript(heard(running, wav(np.pad(channel, (0, length - len(channel))))))
            for channel in (caller, agent)
        ]
        both = running.transcript(heard(running, wav(caller, agent), channels="split", script="s2t"))
        job = running.job(both.job_id)
    assert job.duration_s == both.duration_s == length / RATE
    assert {segment.channel for segment in both.segments} == {0, 1}
    assert [segment.start_s for segment in both.segments] == sorted(segment.start_s for segment in both.segments)
    simplified = [convert("".join(s.text for s in both.segments if s.channel == number), "t2s") for number in (0, 1)]
    assert simplified == [transcript.text for transcript in alone]
    assert len(set("".join(simplified))) > 10
    assert both.text != convert(both.text, "t2s")
