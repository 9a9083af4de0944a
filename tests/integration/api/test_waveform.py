"""GET /v1/jobs/{id}/waveform: there once the recording is decoded, and why not before."""

import httpx

from jobs.errors import AudioUnreadable, Problem
from jobs.store import AudioStore, layout
from tests.integration.api.fake_worker import WAVEFORM, FakeWorker
from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused


def test_it_comes_with_the_last_of_the_recording(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    path = f"/v1/jobs/{submit(http, recording)}/waveform"
    early = http.get(path)
    refused(early, 409, "waveform-not-ready")
    assert int(early.headers["Retry-After"]) >= 1
    worker.serve()
    worker.prepare()  # the job still runs
    drawn = http.get(path)
    assert drawn.json() == WAVEFORM.model_dump()
    assert http.get(path, headers={"If-None-Match": drawn.headers["ETag"]}).status_code == 304


def test_what_ended_a_job_before_is_told(http: httpx.Client, recording: bytes, worker: FakeWorker) -> None:
    failed = submit(http, recording)
    worker.fail(Problem.of(AudioUnreadable("it holds a poem")))
    refused(http.get(f"/v1/jobs/{failed}/waveform"), 409, "audio-unreadable")
    cancelled = submit(http, recording)
    http.post(f"/v1/jobs/{cancelled}/cancel")
    refused(http.get(f"/v1/jobs/{cancelled}/waveform"), 409, "job-cancelled")
    refused(http.get(f"/v1/jobs/{'0' * 32}/waveform"), 404, "job-not-found")


def test_a_job_of_an_older_version_has_none(
    http: httpx.Client, recording: bytes, worker: FakeWorker, store: AudioStore
) -> None:
    path = f"/v1/jobs/{submit(http, recording)}/waveform"
    job_id = worker.succeed()
    store.write(layout.waveform(job_id), [b""])  # as a power cut leaves it
    refused(http.get(path), 404, "waveform-not-found")
    store.delete(layout.waveform(job_id))
    refused(http.get(path), 404, "waveform-not-found")


def test_others_dont_see_it(keyed_server: WebServer, hold: Holders, recording: bytes) -> None:
    ann, bob = hold(keyed_server, owner="ann"), hold(keyed_server, owner="bob")
    path = f"/v1/jobs/{submit(ann.client, recording)}/waveform"
    refused(ann.client.get(path), 409, "waveform-not-ready")
    refused(bob.client.get(path), 404, "job-not-found")
