"""A job whose model nobody serves, as its user sees it over HTTP: it waits, and then fails with what is served."""

from pathlib import Path
from typing import Any

import httpx

from jobs.settings import Settings
from tests.support.fake_model import NAME
from tests.support.service import service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

UNSERVED = "nobody/serves-this"


def test_it_waits_and_then_names_what_is_served(settings: Settings, tmp_path: Path) -> None:
    with service(
        settings, tmp_path / "logs", web=True, model=UNSERVED, waiting_timeout_s=4.0, reconcile_s=0.3
    ) as running:
        files = {"file": ("talk.wav", wav(5.0))}
        unserved = httpx.post(f"{running.url}/v1/jobs", files=files, timeout=30.0).json()["id"]
        served = httpx.post(f"{running.url}/v1/jobs", files=files, data={"model": NAME}, timeout=30.0).json()["id"]

        def poll(job_id: str) -> dict[str, Any]:
            return dict(httpx.get(f"{running.url}/v1/jobs/{job_id}").json())

        waiting = poll(unserved)
        assert (waiting["state"], waiting["stage"], waiting["model"]) == ("queued", "waiting_for_worker", UNSERVED)
        assert waiting["revision"] is waiting["eta_s"] is None
        failed = eventually(lambda: (job := poll(unserved))["state"] == "failed" and job, 30.0)
        assert failed
        assert failed["error"]["type"] == "model-not-served"
        assert failed["error"]["detail"] == f"No worker has served {UNSERVED} for 4 s. Served now: {NAME}."
        assert eventually(lambda: (job := poll(served))["state"] == "succeeded" and job, 30.0)
