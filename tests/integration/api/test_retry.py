"""POST /v1/jobs/{id}/retry: a failed or cancelled job's audio and options, once more."""

import httpx

from jobs.errors import AudioUnreadable, Problem
from jobs.job import JobRequest
from jobs.store import AudioStore, layout
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import accepted, refused


def make(http: httpx.Client, recording: bytes) -> str:
    query = {"filename": "talk.wav", "language": "zh", "priority": "high", "metadata[room]": "7"}
    job_id: str = http.post("/v1/jobs", params=query, content=recording).json()["id"]
    return job_id


def test_a_failed_job_is_tried_again(web: WebServer, recording: bytes, worker: FakeWorker) -> None:
    job_id = make(web.client, recording)
    worker.fail(Problem.of(AudioUnreadable("it holds a poem")))
    answer = web.client.post(f"/v1/jobs/{job_id}/retry")
    request = accepted(answer, web)
    assert answer.json()["retry_of"] == request.retry_of == job_id
    assert answer.json()["deduplicated_from"] is None
    before = JobRequest.model_validate_json((web.store / "jobs" / job_id / "job.json").read_bytes())
    own = {"id", "created_at", "retry_of"}
    assert request.model_dump(exclude=own) == before.model_dump(exclude=own)
    assert web.client.get(f"/v1/jobs/{job_id}").json()["state"] == "failed"
    assert worker.succeed() == request.id
    web.client.delete(f"/v1/jobs/{job_id}")
    assert web.client.get(f"/v1/jobs/{request.id}/audio").content == recording


def test_a_cancelled_job_too(web: WebServer, recording: bytes) -> None:
    job_id = make(web.client, recording)
    web.client.post(f"/v1/jobs/{job_id}/cancel")
    again = accepted(web.client.post(f"/v1/jobs/{job_id}/retry"), web)
    refused(web.client.post(f"/v1/jobs/{again.id}/retry"), 409, "not-retriable")


def test_what_cannot_be_tried_again(web: WebServer, recording: bytes, worker: FakeWorker, store: AudioStore) -> None:
    http = web.client
    refused(http.post("/v1/jobs/0123456789abcdef/retry"), 404, "job-not-found")
    job_id = make(http, recording)
    refused(http.post(f"/v1/jobs/{job_id}/retry"), 409, "not-retriable")
    assert worker.succeed() == job_id
    refused(http.post(f"/v1/jobs/{job_id}/retry"), 409, "not-retriable")
    gone = make(http, recording + b"more")
    http.post(f"/v1/jobs/{gone}/cancel")
    store.delete(layout.audio(gone))
    before = web.stored()
    refused(http.post(f"/v1/jobs/{gone}/retry"), 409, "audio-gone")
    assert web.stored() == before
