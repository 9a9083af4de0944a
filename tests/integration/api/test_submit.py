"""POST /v1/jobs: what is accepted is in the store and in the ledger; what isn't leaves nothing anywhere."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from jobs.job import JobRequest
from jobs.ledger import Ledger
from jobs.settings import DEFAULT_MODEL
from tests.integration.api.fake_worker import FakeWorker, spec
from tests.integration.api.server import WebServer
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer


def accepted(answer: httpx.Response, web: WebServer) -> JobRequest:
    """Check the 202 and everything that it promises; returns job.json."""
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["state"] == "queued"
    assert answer.headers["Location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert int(answer.headers["Retry-After"]) >= 1
    request = JobRequest.model_validate_json((web.store / "jobs" / job["id"] / "job.json").read_bytes())
    audio = (web.store / "jobs" / job["id"] / "audio").read_bytes()
    assert (request.size_bytes, request.sha256) == (len(audio), hashlib.sha256(audio).hexdigest())
    assert web.client.get(job["links"]["self"]).json()["id"] == job["id"]
    return request


def refused(answer: httpx.Response, status: int, name: str) -> dict[str, object]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, object] = answer.json()
    assert problem["type"] == f"/problems/{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["remedy"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem


def test_multipart(web: WebServer, recording: bytes) -> None:
    fields = {"language": "zh", "priority": "high", "metadata": '{"meeting": "四十二"}', "window_s": "10", "model": ""}
    fields["skip_silence"] = "true"
    answer = web.client.post("/v1/jobs", data=fields, files={"file": ("会议/talk.wav", recording)})
    request = accepted(answer, web)
    assert request.filename == "talk.wav"
    assert (request.language, request.priority, request.metadata) == ("zh", "high", {"meeting": "四十二"})
    assert (request.model, request.window_s, request.context_s, request.cutting) == (
        DEFAULT_MODEL,
        10.0,
        0.5,
        "silence",
    )
    assert (request.skip_silence, request.silence_s) == (True, 2.0)


def test_fields_after_the_file(web: WebServer, recording: bytes) -> None:
    parts = [("file", ("a.wav", recording)), ("priority", (None, "low"))]
    assert accepted(web.client.post("/v1/jobs", files=parts), web).priority == "low"


def test_raw_with_options_in_the_query(web: WebServer, recording: bytes) -> None:
    query = {"filename": "说话.wav", "cutting": "fixed", "metadata[meeting]": "四十二"}
    request = accepted(web.client.post("/v1/jobs", params=query, content=recording), web)
    assert request.metadata == {"meeting": "四十二"}
    assert (request.filename, request.cutting) == ("说话.wav", "fixed")


def test_raw_chunked_with_the_name_in_content_disposition(web: WebServer, recording: bytes) -> None:
    def trickle() -> Iterator[bytes]:
        yield recording[:7]
        yield recording[7:]

    header = {"Content-Disposition": "attachment; filename*=UTF-8''%E8%AF%B4.wav"}
    assert accepted(web.client.post("/v1/jobs", content=trickle(), headers=header), web).filename == "说.wav"


def test_whisper_reads_longer_windows(web: WebServer, recording: bytes, worker: FakeWorker) -> None:
    worker.serve(spec("whisper", family="whisper", max_window_s=30.0))
    request = accepted(web.client.post("/v1/jobs?model=whisper", content=recording), web)
    assert (request.cutting, request.window_s, request.context_s) == ("fixed", 30.0, 5.0)
    too_long = web.client.post("/v1/jobs?model=whisper&window_s=31", content=recording)
    refused(too_long, 409, "options-conflict")


@pytest.mark.parametrize(
    ("query", "content", "status", "name"),
    [
        pytest.param("", b"", 422, "upload-empty", id="empty"),
        pytest.param("filename=a.wav", "这是文字".encode(), 415, "unsupported-format", id="text-named-wav"),
        pytest.param("priority=urgent", None, 422, "invalid-request", id="priority"),
        pytest.param("window_s=abc", None, 422, "invalid-request", id="not-a-number"),
        pytest.param("window_s=nan", None, 422, "invalid-request", id="nan"),
        pytest.param("window_s=4&context_s=2", None, 409, "options-conflict", id="nothing-left-of-the-window"),
        pytest.param("languag=zh", None, 422, "invalid-request", id="misspelt"),
        pytest.param("metadata=[1]", None, 422, "invalid-request", id="metadata-no-object"),
        pytest.param("metadata={", None, 422, "invalid-request", id="metadata-no-json"),
        pytest.param(f"metadata[a]={'x' * 501}", None, 422, "invalid-request", id="metadata-long"),
        pytest.param("metadata[a]=1&metadata[a]=2", None, 422, "invalid-request", id="metadata-twice"),
    ],
)
def test_refusals_leave_nothing(
    web: WebServer, recording: bytes, *, query: str, content: bytes | None, status: int, name: str
) -> None:
    before = web.stored()
    answer = web.client.post(f"/v1/jobs?{query}", content=recording if content is None else content)
    refused(answer, status, name)
    assert web.stored() == before
    assert web.client.get("/v1/jobs").json()["jobs"] == []


def test_wrong_fields_are_named(web: WebServer, recording: bytes) -> None:
    problem = refused(web.client.post("/v1/jobs?priority=x&task=y", content=recording), 422, "invalid-request")
    assert {error["field"] for error in problem["errors"]} == {"priority", "task"}  # type: ignore[attr-defined]


def test_wrong_fields_after_the_file_leave_nothing(web: WebServer, recording: bytes) -> None:
    before = web.stored()
    parts = [("file", ("a.wav", recording)), ("priority", (None, "urgent"))]
    refused(web.client.post("/v1/jobs", files=parts), 422, "invalid-request")
    refused(web.client.post("/v1/jobs", data={"a": "b"}, files={"no": ("a", b"RIFF")}), 422, "invalid-request")
    refused(web.client.post("/v1/jobs", files={"priority": (None, "low")}), 422, "invalid-request")
    assert web.stored() == before


def test_an_unknown_model_is_refused_only_while_others_are_served(
    web: WebServer, recording: bytes, worker: FakeWorker
) -> None:
    accepted(web.client.post("/v1/jobs?model=some/model", content=recording), web)
    worker.serve(spec("served/model"))
    problem = refused(web.client.post("/v1/jobs?model=other/model", content=recording), 409, "unknown-model")
    assert "served/model" in str(problem["detail"])
    accepted(web.client.post("/v1/jobs?model=served/model", content=recording), web)
    accepted(web.client.post("/v1/jobs", content=recording), web)  # the server's own may be about to start


def test_an_upload_that_breaks_off_leaves_nothing(web: WebServer, recording: bytes) -> None:
    before = web.stored()
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + recording
    answer = web.client.post("/v1/jobs", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    refused(answer, 400, "upload-interrupted")
    assert web.stored() == before


@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_client_that_goes_away_leaves_nothing(web: WebServer, recording: bytes, *, chunked: bool) -> None:
    before = web.stored()
    length = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000000"
    body = (b"F0000\r\n" if chunked else b"") + recording + bytes(600_000)
    address = urlsplit(web.url)
    with socket.create_connection((address.hostname or "", address.port or 0)) as connection:
        connection.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Request-Id: gone\r\n{length}\r\n\r\n".encode() + body
        )
        eventually(lambda: web.stored() != before)  # it has begun to store
    eventually(lambda: web.stored() == before)
    assert web.client.get("/v1/jobs").json()["jobs"] == []
    assert "Traceback" not in web.log


def test_too_large(redis_server: RedisServer, ledger: Ledger, tmp_path: Path) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url, max_upload_bytes=3_000_000) as web:
        announced = web.client.post("/v1/jobs", content=b"RIFF" + bytes(20_000_000))
        refused(announced, 413, "upload-too-large")
        chunked = web.client.post("/v1/jobs", content=iter([b"RIFF" + bytes(1_000_000)] * 4))
        refused(chunked, 413, "upload-too-large")
        form = web.client.post("/v1/jobs", files={"file": ("a.wav", b"RIFF" + bytes(3_500_000))})
        refused(form, 413, "upload-too-large")
        assert web.stored() == []
        assert not list((web.store / "jobs").iterdir())
        accepted(web.client.post("/v1/jobs", files={"file": ("a.wav", b"RIFF" + bytes(2_999_996))}), web)
