"""/v1/uploads: tus 1.0 as its clients speak it, and the jobs that uploads become."""

import base64
import hashlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from jobs.job import JobRequest
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {**TUS, "Content-Type": "application/offset+octet-stream"}


def metadata(**pairs: str) -> str:
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def begin(http: httpx.Client, length: int | None, **pairs: str) -> str:
    """The path of a new upload; None: its length isn't known yet."""
    announced = {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": str(length)}
    answer = http.post("/v1/uploads", headers={**TUS, **announced, "Upload-Metadata": metadata(**pairs)})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def add(http: httpx.Client, path: str, offset: int, body: bytes, **headers: str) -> httpx.Response:
    return http.patch(path, content=body, headers={**BYTES, "Upload-Offset": str(offset), **headers})


def offset_of(http: httpx.Client, path: str) -> int:
    answer = http.head(path, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def job_request(web: WebServer, job_path: str) -> JobRequest:
    folder = web.store / job_path.removeprefix("/v1/")
    request = JobRequest.model_validate_json((folder / "job.json").read_bytes())
    assert request.sha256 == hashlib.sha256((folder / "audio").read_bytes()).hexdigest()
    return request


def test_what_is_spoken(http: httpx.Client) -> None:
    answer = http.options("/v1/uploads")
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert set(answer.headers["Tus-Extension"].split(",")) == {
        "creation",
        "creation-with-upload",
        "creation-defer-length",
        "expiration",
        "checksum",
        "termination",
    }
    assert answer.headers["Tus-Checksum-Algorithm"] == "sha1,sha256,md5"
    assert int(answer.headers["Tus-Max-Size"]) == 10_000_000_000


def test_in_pieces_to_a_job(web: WebServer, http: httpx.Client, worker: FakeWorker, recording: bytes) -> None:
    path = begin(http, len(recording), filename="会议.wav", purpose="talk")
    assert offset_of(http, path) == 0
    for start in range(0, len(recording), 7000):
        answer = add(http, path, start, recording[start : start + 7000])
        assert answer.status_code == 204, answer.text
        assert int(answer.headers["Upload-Offset"]) == offset_of(http, path) == min(start + 7000, len(recording))
        assert answer.headers["Upload-Expires"].endswith("GMT")
    head = http.head(path, headers=TUS).headers
    assert head["Upload-Length"] == str(len(recording))
    assert head["Upload-Metadata"] == metadata(filename="会议.wav", purpose="talk")
    assert "Tingxie-Job" not in head
    made = http.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2], "priority": "high"})
    assert made.status_code == 202, made.text
    request = job_request(web, made.headers["Location"])
    assert (request.filename, request.priority) == ("会议.wav", "high")
    assert request.sha256 == hashlib.sha256(recording).hexdigest()
    again = http.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2]})
    assert again.json()["id"] == made.json()["id"] == worker.succeed()
    view = http.get(path)
    assert view.json()["job_id"] == made.json()["id"]
    assert view.headers["Tingxie-Job"] == made.headers["Location"]
    assert view.json()["offset"] == len(recording)
    assert [name for name in web.stored() if "/parts/" in name] == []
    http.delete(made.headers["Location"])
    gone = http.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2]})
    refused(gone, 404, "upload-not-found")


def test_a_job_by_itself_with_its_options(web: WebServer, http: httpx.Client, recording: bytes) -> None:
    pairs = {"name": "a.wav", "submit": "true", "language": "zh", "metadata": '{"meeting": "42"}'}
    path = begin(http, len(recording), **pairs)
    assert "Tingxie-Job" not in add(http, path, 0, recording[:100]).headers
    answer = add(http, path, 100, recording[100:])
    request = job_request(web, answer.headers["Tingxie-Job"])
    assert (request.filename, request.language, request.metadata) == ("a.wav", "zh", {"meeting": "42"})
    assert http.head(path, headers=TUS).headers["Tingxie-Job"] == answer.headers["Tingxie-Job"]


def test_creation_with_upload(web: WebServer, http: httpx.Client, recording: bytes) -> None:
    headers = {**BYTES, "Upload-Length": str(len(recording)), "Upload-Metadata": metadata(submit="true")}
    answer = http.post("/v1/uploads", content=recording, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["Upload-Offset"] == str(len(recording))
    job_request(web, answer.headers["Tingxie-Job"])


@pytest.mark.parametrize("length_is_announced", [True, False])
def test_a_large_file_at_once(web: WebServer, http: httpx.Client, length_is_announced: bool) -> None:
    content = b"RIFF" + os.urandom(20_000_000)
    path = begin(http, len(content), submit="true")
    body = content if length_is_announced else iter([content[:5_000_000], content[5_000_000:]])
    answer = http.patch(path, content=body, headers={**BYTES, "Upload-Offset": "0"})
    assert answer.status_code == 204, answer.text
    assert job_request(web, answer.headers["Tingxie-Job"]).sha256 == hashlib.sha256(content).hexdigest()
    assert [name for name in web.stored() if "/parts/" in name] == []


def test_a_length_that_is_known_at_the_end_only(web: WebServer, http: httpx.Client, recording: bytes) -> None:
    path = begin(http, None, filename="live.wav", submit="true")
    for start in (0, 7000):
        assert add(http, path, start, recording[start : start + 7000]).status_code == 204
    head = http.head(path, headers=TUS).headers
    assert (head["Upload-Defer-Length"], "Upload-Length" in head) == ("1", False)
    assert http.get(path).json()["size_bytes"] is None
    refused(http.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2]}), 409, "upload-incomplete")
    length = str(len(recording))
    answer = add(http, path, 14_000, recording[14_000:], **{"Upload-Length": length})
    assert answer.status_code == 204, answer.text
    assert job_request(web, answer.headers["Tingxie-Job"]).sha256 == hashlib.sha256(recording).hexdigest()
    head = http.head(path, headers=TUS).headers
    assert (head["Upload-Length"], "Upload-Defer-Length" in head) == (length, False)


def test_the_length_may_come_without_bytes_and_stays(web: WebServer, http: httpx.Client, recording: bytes) -> None:
    path = begin(http, None, submit="true")
    add(http, path, 0, recording)
    refused(add(http, path, len(recording), b"", **{"Upload-Length": "7"}), 409, "upload-length-mismatch")
    refused(add(http, path, len(recording), b"", **{"Upload-Length": "10000000001"}), 413, "upload-too-large")
    known = add(http, path, 0, b"", **{"Upload-Length": str(len(recording))})
    refused(known, 409, "upload-offset-mismatch")  # but now the length is known
    assert http.get(path).json()["size_bytes"] == len(recording)
    refused(add(http, path, len(recording), b"", **{"Upload-Length": "99999"}), 409, "upload-length-mismatch")
    answer = add(http, path, len(recording), b"", **{"Upload-Length": str(len(recording))})
    job_request(web, answer.headers["Tingxie-Job"])


def test_more_than_a_server_takes_of_an_unknown_length(
    redis_server: RedisServer, redis: object, tmp_path: Path
) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url, max_upload_bytes=20_000) as web:
        path = begin(web.client, None)
        assert add(web.client, path, 0, bytes(15_000)).status_code == 204
        refused(add(web.client, path, 15_000, bytes(5001)), 413, "upload-too-large")
        unannounced = web.client.patch(path, content=iter([bytes(6000)]), headers={**BYTES, "Upload-Offset": "15000"})
        refused(unannounced, 413, "upload-too-large")
        assert offset_of(web.client, path) == 20_000


def test_checksums(http: httpx.Client, recording: bytes) -> None:
    path = begin(http, len(recording))
    right = base64.b64encode(hashlib.sha1(recording[:5000]).digest()).decode()
    wrong = add(http, path, 0, recording[:4999], **{"Upload-Checksum": f"sha1 {right}"})
    refused(wrong, 460, "upload-checksum-mismatch")
    assert offset_of(http, path) == 0
    refused(add(http, path, 0, recording, **{"Upload-Checksum": f"crc32 {right}"}), 400, "upload-header")
    assert add(http, path, 0, recording[:5000], **{"Upload-Checksum": f"sha1 {right}"}).status_code == 204
    assert offset_of(http, path) == 5000


def test_termination_and_strangers(http: httpx.Client, web: WebServer, recording: bytes) -> None:
    path = begin(http, len(recording))
    add(http, path, 0, recording[:5000])
    assert http.delete(path, headers=TUS).status_code == 204
    assert [name for name in web.stored() if path.rpartition("/")[2] in name] == []
    for answer in (http.delete(path, headers=TUS), add(http, path, 5000, b"a"), http.get(path)):
        refused(answer, 404, "upload-not-found")
    assert http.head(path, headers=TUS).status_code == 404
    refused(http.get("/v1/uploads/%2e%2e"), 404, "upload-not-found")
    refused(http.post("/v1/jobs", json={"upload_id": "0" * 32}), 404, "upload-not-found")


def test_refusals(http: httpx.Client, recording: bytes) -> None:
    path = begin(http, len(recording))
    refused(add(http, path, 7, recording), 409, "upload-offset-mismatch")
    refused(add(http, path, 0, recording + b"x"), 409, "upload-offset-mismatch")
    refused(add(http, path, 0, recording, **{"Content-Type": "audio/wav"}), 415, "upload-media-type")
    refused(add(http, path, 0, b"%PDF-" + bytes(9000)), 415, "unsupported-format")
    old = add(http, path, 0, recording, **{"Tus-Resumable": "0.2.2"})
    refused(old, 412, "upload-protocol")
    assert old.headers["Tus-Version"] == old.headers["Tus-Resumable"] == "1.0.0"
    refused(http.patch(path, content=recording), 400, "upload-header")
    refused(http.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2]}), 409, "upload-incomplete")
    assert offset_of(http, path) == 0


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({}, 400, "upload-header"),
        ({"Upload-Length": "-1"}, 400, "upload-header"),
        ({"Upload-Length": "10000000001"}, 413, "upload-too-large"),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400, "upload-header"),
        ({"Upload-Defer-Length": "0"}, 400, "upload-header"),
        ({"Upload-Length": "5", "Upload-Metadata": "name !"}, 400, "upload-header"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(priority="urgent")}, 422, "invalid-request"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(metadata="[")}, 422, "invalid-request"),
    ],
)
def test_refused_beginnings(
    web: WebServer, http: httpx.Client, *, headers: dict[str, str], status: int, name: str
) -> None:
    before = web.stored()
    refused(http.post("/v1/uploads", headers={**TUS, **headers}), status, name)
    assert web.stored() == before


def begun_patch(web: WebServer, path: str, announced: int, body: bytes, offset: int = 0) -> socket.socket:
    address = urlsplit(web.url)
    connection = socket.create_connection((address.hostname or "", address.port or 0))
    connection.sendall(
        f"PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: {offset}\r\n"
        f"Content-Type: application/offset+octet-stream\r\nContent-Length: {announced}\r\n\r\n".encode()
        + body
    )
    return connection


def test_a_broken_patch_keeps_what_came_and_two_at_once_are_refused(web: WebServer, http: httpx.Client) -> None:
    content = b"RIFF" + bytes(3_000_000)
    path = begin(http, len(content))
    with begun_patch(web, path, len(content), content[:2_000_000]):
        eventually(lambda: [name for name in web.stored() if name.endswith(".part")])
        refused(add(http, path, 0, content), 423, "upload-locked")
        refused(http.delete(path, headers=TUS), 423, "upload-locked")
    eventually(lambda: offset_of(http, path) == 2_000_000)
    assert eventually(lambda: add(http, path, 2_000_000, content[2_000_000:]).status_code == 204)
    assert offset_of(http, path) == len(content)


@pytest.mark.full
def test_a_killed_front_end_keeps_what_was_synced(redis_server: RedisServer, redis: object, tmp_path: Path) -> None:
    content = b"RIFF" + bytes(40_000_000)
    with WebServer(tmp_path, redis_url=redis_server.url) as web:
        path = begin(web.client, len(content))
        with begun_patch(web, path, len(content), content[:39_000_000]):
            # two whole parts; the third is still in the air
            eventually(lambda: offset_of(web.client, path) >= 32 << 20)
            web.worker_process().kill()
    with WebServer(tmp_path, redis_url=redis_server.url) as web:
        offset = offset_of(web.client, path)
        assert offset == 32 << 20
        eventually(lambda: add(web.client, path, offset, content[offset:]).status_code == 204, 60.0, every_s=0.5)
        made = web.client.post("/v1/jobs", json={"upload_id": path.rpartition("/")[2]})
        assert job_request(web, made.headers["Location"]).sha256 == hashlib.sha256(content).hexdigest()
