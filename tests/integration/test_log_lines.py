"""A job's way in JSON log lines: each names the job and the process, that of the submission its request."""

import json
from pathlib import Path
from typing import Any

import httpx

from jobs.settings import Settings
from tests.support.service import service
from tests.support.speechlike import wav

#: what the front end and Celery say on standard output, for people
PROSE = ("listening ", "worker: Warm shutdown")


def lines_of(log: Path) -> list[dict[str, Any]]:
    """Each line but the prose must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines() if line and not line.startswith(PROSE)]


def test_a_jobs_lines_tell_whose_they_are(settings: Settings, tmp_path: Path) -> None:
    logs, audio = tmp_path / "logs", wav(30.0, seed=1)
    with service(settings, logs, web=True, log_format="json", environment={"TINGXIE_LOG_LEVEL": "info"}) as running:
        named = {"X-Request-Id": "mine-7"}
        job_id = httpx.post(f"{running.url}/v1/jobs", content=audio, headers=named).json()["id"]
        running.wait(job_id)
        broken_id = running.submit_bytes(b"RIFF" + bytes(2000))
        running.wait(broken_id)
    web, prepare, transcribe = (lines_of(logs / f"{name}.log") for name in ("web", "prepare", "transcribe-1"))
    assert [line["request_id"] for line in web if line.get("job_id") == job_id] == ["mine-7"]
    assert all(line["worker"] for line in prepare + transcribe)
    assert all(line["event"] and line["level"] and line["timestamp"] for line in web + prepare + transcribe)
    units = [line for line in prepare if not line["event"].startswith("worker.")]
    assert [line["job_id"] for line in units if line["event"] in ("prepare.done", "finish.done")] == [job_id, job_id]
    assert {line["job_id"] for line in units} == {job_id, broken_id}
    batches = [line for line in transcribe if line["event"] == "batch.committed"]
    assert sum(line["windows"] for line in batches) == 2
    assert all(line["job_ids"] == [job_id] for line in batches)
    assert any(line["level"] != "info" or "fail" in line["event"] for line in units if line["job_id"] == broken_id)
