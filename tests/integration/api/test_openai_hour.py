"""An hour of audio by the official OpenAI client: one request, held for longer than proxies and clients like."""

from pathlib import Path

import pytest
from openai import OpenAI

from jobs.settings import Settings
from tests.support.fake_model import SLEEP
from tests.support.service import service
from tests.support.speechlike import wav


@pytest.mark.full
@pytest.mark.timeout(600)
def test_an_hour_takes_longer_than_proxies_wait(settings: Settings, tmp_path: Path) -> None:
    """One request, held for over a minute by default settings on both sides."""
    with service(settings, tmp_path / "logs", web=True, environment={SLEEP: "0.02"}) as one:
        client = OpenAI(base_url=f"{one.url}/v1", api_key="unused")
        transcription = client.audio.transcriptions.create(model="whisper-1", file=("hour.wav", wav(3600.0)))
        assert len(transcription.text) > 5000
        [job] = one.ledger.jobs("local")[0]
        assert job.finished_at is not None
        assert job.finished_at - job.created_at > 60
