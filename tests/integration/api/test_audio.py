"""GET /v1/jobs/{id}/audio: the upload as it came, whole and in ranges."""

import hashlib

import httpx
import pytest

from jobs.store import AudioStore, layout
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused


@pytest.fixture
def path(http: httpx.Client, recording: bytes) -> str:
    job_id = submit(http, recording, '说 "x".wav')
    return f"/v1/jobs/{job_id}/audio"


def test_the_whole_recording(http: httpx.Client, recording: bytes, path: str) -> None:
    whole = http.get(path)
    assert (whole.status_code, whole.content) == (200, recording)
    assert whole.headers["Content-Type"] == "audio/wav"
    assert whole.headers["Content-Length"] == str(len(recording))
    assert whole.headers["ETag"] == f'"{hashlib.sha256(recording).hexdigest()}"'
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Disposition"].startswith("attachment; filename=\"_ _x_.wav\"; filename*=UTF-8''%E8")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    only_head = http.head(path)
    assert (only_head.status_code, only_head.content) == (200, b"")
    assert only_head.headers["Content-Length"] == str(len(recording))
    assert http.get(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, 16044),
        ("bytes=10-19", 10, 20),
        ("bytes=-5", 16039, 16044),
        ("bytes=-99999", 0, 16044),
        ("bytes=16000-999999", 16000, 16044),
    ],
)
def test_a_range(http: httpx.Client, recording: bytes, path: str, *, asked: str, start: int, stop: int) -> None:
    part = http.get(path, headers={"Range": asked})
    expected = recording[start:stop]
    assert (part.status_code, part.content) == (206, expected)
    assert part.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(recording)}"
    assert part.headers["Content-Length"] == str(len(expected))


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=abc", "lines=0-1", "bytes=9-3", ""])
def test_what_is_no_single_range_is_the_whole(http: httpx.Client, recording: bytes, path: str, *, asked: str) -> None:
    answer = http.get(path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, recording)


def test_bytes_that_are_not_there(http: httpx.Client, recording: bytes, path: str) -> None:
    answer = http.get(path, headers={"Range": f"bytes={len(recording)}-"})
    refused(answer, 416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(recording)}"


def test_a_range_of_another_version_is_the_whole(http: httpx.Client, recording: bytes, path: str) -> None:
    etag = http.head(path).headers["ETag"]
    assert http.get(path, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    for other in ('"other"', f"W/{etag}", "Wed, 25 Nov 2026 00:00:00 GMT"):
        assert http.get(path, headers={"Range": "bytes=0-1", "If-Range": other}).content == recording


def test_audio_that_was_not_kept(http: httpx.Client, store: AudioStore, path: str) -> None:
    store.delete(layout.audio(path.split("/")[3]))
    refused(http.get(path), 409, "audio-gone")
    assert http.head(path).status_code == 409
    refused(http.get("/v1/jobs/0123456789abcdef/audio"), 404, "job-not-found")
