"""Fault 17: what a job's retention removes goes while a client polls."""

from pathlib import Path

import httpx
import pytest

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


@pytest.mark.full
def test_the_job_itself_goes_while_a_client_polls(settings: Settings, tmp_path: Path) -> None:
    """Every poll tells of the job, and from one moment on, that there is none; nothing of it stays in the store."""
    options = {"retention_s": 1.0, "sweep_s": 0.3, **BRISK}
    with (
        service(settings, tmp_path / "logs", web=True, **options) as running,
        httpx.Client(base_url=running.url, timeout=30.0) as client,
    ):
        job_id = client.post("/v1/jobs", content=wav(20.0)).json()["id"]
        states: list[str | int] = []

        def is_gone() -> bool:
            answer = client.get(f"/v1/jobs/{job_id}", params={"wait": 1})
            states.append(answer.json()["state"] if answer.is_success else answer.status_code)
            return states[-1] == 404

        eventually(is_gone)
        assert "succeeded" in states
        assert set(states) <= {"queued", "running", "succeeded", 404}
        gone = client.get(f"/v1/jobs/{job_id}/transcript")
        assert (gone.status_code, gone.json()["type"]) == (404, "/problems/job-not-found")
        eventually(lambda: not list(running.store.list(layout.job_folder(job_id))))
