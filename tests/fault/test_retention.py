"""Fault 17: what a job's retention removes goes while a client polls."""

from pathlib import Path

import httpx

from jobs.settings import Settings
from jobs.store import layout
from tests.fault.outcome import Calm, Outcome
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


def test_audio_goes_while_a_client_polls(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    options = {"audio_retention_s": 1.0, "sweep_s": 0.3, **BRISK}
    with service(settings, tmp_path / "logs", web=True, **options) as running:
        outcome = Outcome(running, calm)
        with httpx.Client(base_url=running.url, timeout=30.0) as client:
            job_id = client.post("/v1/jobs", content=wav(20.0)).json()["id"]
            outcome.add(job_id, wav(20.0))

            def audio_is_gone() -> bool:
                answer = client.get(f"/v1/jobs/{job_id}", params={"wait": 1})
                assert answer.status_code == 200
                return not running.store.exists(layout.audio(job_id))

            eventually(audio_is_gone)
            outcome.check()
            assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"
            assert client.get(f"/v1/jobs/{job_id}/transcript", params={"format": "txt"}).status_code == 200
