"""tuspy, unchanged, over a network that breaks: it goes on from where it was, and a plain tus client gets a job."""

import hashlib
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed

from jobs.job import JobRequest
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.server import WebServer
from tests.support.cutting_proxy import CuttingProxy
from tests.support.waiting import eventually


def test_an_upload_that_was_cut_goes_on(web: WebServer, worker: FakeWorker, recording: bytes, tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(recording + bytes(6_000_000))
    with CuttingProxy(web.url, cuts=[2_000_000]) as network, file.open("rb") as stream:
        client = TusClient(f"{network.url}/v1/uploads")
        uploader = client.uploader(file_stream=stream, metadata={"filename": "talk.wav", "submit": "true"})
        with pytest.raises(TusUploadFailed):
            uploader.upload()
        assert network.cuts == []
        # Another process would know the URL only. What went over the wire before the cut is here for good.
        eventually(lambda: web.client.get(uploader.url.removeprefix(network.url)).json()["offset"] > 1_500_000)
        resumed = client.uploader(file_stream=stream, url=uploader.url, retries=10, retry_delay=1)
        assert resumed.offset > 1_500_000
        resumed.upload()
    job_path = resumed.request.response_headers["tingxie-job"]
    stored = web.store / job_path.removeprefix("/v1/")
    request = JobRequest.model_validate_json((stored / "job.json").read_bytes())
    assert request.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert (stored / "audio").read_bytes() == file.read_bytes()
    assert worker.succeed() == request.id
    assert web.client.get(f"{job_path}/transcript?format=txt").text == "你好\n"


def test_a_retrying_client_sees_nothing_of_it(web: WebServer, recording: bytes, tmp_path: Path) -> None:
    file = tmp_path / "talk.wav"
    file.write_bytes(recording + bytes(3_000_000))
    with CuttingProxy(web.url, cuts=[1_000_000, 1_000_000]) as network, file.open("rb") as stream:
        client = TusClient(f"{network.url}/v1/uploads")
        uploader = client.uploader(
            file_stream=stream,
            metadata={"submit": "true"},
            chunk_size=1_500_000,
            retries=10,
            retry_delay=1,
            upload_checksum=True,
        )
        uploader.upload()
    assert network.cuts == []
    job_path = uploader.request.response_headers["tingxie-job"]
    assert (web.store / job_path.removeprefix("/v1/") / "audio").read_bytes() == file.read_bytes()
