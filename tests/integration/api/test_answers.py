"""A tour of the API, each answer held against the spec: its status, its media type, its headers, every field."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from schemathesis.core.failures import Failure

from jobs.errors import AudioUnreadable, Problem
from jobs.store import AudioStore, layout
from tests.integration.api.fake_worker import FakeWorker


class Holder:
    """A client whose every answer must be as the spec says, with no field besides."""

    def __init__(self, client: httpx.Client) -> None:
        spec = client.get("/openapi.json").json()
        for schema in spec["components"]["schemas"].values():
            if "properties" in schema and "additionalProperties" not in schema:
                schema["additionalProperties"] = False
        self._client = client
        self._spec = schemathesis.openapi.from_dict(spec)
        self.seen: set[tuple[str, int]] = set()

    def __call__(self, method: str, path: str, template: str = "", **sent: Any) -> httpx.Response:
        template = template or path.partition("?")[0]
        answer = self._client.request(method, path, **sent)
        answer.request.read()  # a form is kept as it was given; schemathesis wants its bytes
        operation = self._spec[template][method]
        assert str(answer.status_code) in operation.responses.status_codes, f"{method} {path}: {answer.status_code}"
        operation.validate_response(answer)
        self.seen.add((f"{method} {template}", answer.status_code))
        return answer


@pytest.fixture
def hold(http: httpx.Client) -> Holder:
    return Holder(http)


def test_a_tour(hold: Holder, recording: bytes, worker: FakeWorker, store: AudioStore) -> None:
    job, jobs = "/v1/jobs/{job_id}", "/v1/jobs"
    for path in ("/", "/healthz", "/readyz", "/v1/models", "/docs"):
        hold("GET", path)
    hold("GET", "/problems/upload-empty", "/problems/{name}")
    hold("GET", "/problems/nothing", "/problems/{name}")
    # the shortest is prepared first
    made = [hold("POST", f"{jobs}?filename=a.wav", content=recording + bytes(n)).json()["id"] for n in range(3)]
    hold(
        "POST", jobs, files={"file": ("a.wav", recording + bytes(9))}, data={"metadata": '{"a": "b"}', "script": "t2s"}
    )
    hold("POST", jobs, content=b"")
    hold("POST", jobs, content=b"some text")
    hold("POST", f"{jobs}?priority=urgent", content=recording)
    hold("POST", f"{jobs}?window_s=1&context_s=2", content=recording)
    hold("POST", jobs, json={"url": 7})
    done, failed, cancelled = made
    hold("GET", f"{jobs}/{done}/transcript", f"{job}/transcript")
    hold("GET", f"{jobs}/{done}", job)
    assert worker.succeed() == done
    worker.fail(Problem.of(AudioUnreadable("it holds a poem")))
    hold("POST", f"{jobs}/{cancelled}/cancel", f"{job}/cancel")
    for each in made:
        etag = hold("GET", f"{jobs}/{each}?wait=0.1", job).headers["ETag"]
        hold("GET", f"{jobs}/{each}", job, headers={"If-None-Match": etag})
        hold("GET", f"{jobs}/{each}/transcript", f"{job}/transcript")
        hold("POST", f"{jobs}/{each}/retry", f"{job}/retry")
        hold("GET", f"{jobs}/{each}/audio", f"{job}/audio")
    for form in ("txt", "srt", "vtt", "tsv", "docx"):
        hold("GET", f"{jobs}/{done}/transcript?format={form}", f"{job}/transcript")
    for asked in ("bytes=0-9", "bytes=99999-"):
        hold("GET", f"{jobs}/{done}/audio", f"{job}/audio", headers={"Range": asked})
    store.delete(layout.audio(failed))
    hold("GET", f"{jobs}/{failed}/audio", f"{job}/audio")
    hold("HEAD", f"{jobs}/{failed}/audio", f"{job}/audio")
    hold("POST", f"{jobs}/{failed}/retry", f"{job}/retry")
    etag = hold("GET", f"{jobs}?state=failed&state=queued&limit=1", jobs).headers["ETag"]
    hold("GET", f"{jobs}?state=failed&state=queued&limit=1", jobs, headers={"If-None-Match": etag})
    hold("GET", f"{jobs}?limit=0", jobs)
    hold("DELETE", f"{jobs}/{done}", job)
    hold("DELETE", f"{jobs}/{done}", job)
    hold("GET", f"{jobs}/{done}", job)
    statuses = {status for _, status in hold.seen}
    assert statuses >= {200, 202, 204, 206, 304, 404, 409, 415, 416, 422}


def test_the_holder_finds_what_is_not_so(hold: Holder, http: httpx.Client) -> None:
    answer = http.get("/healthz")
    told = httpx.Response(
        200, json={"status": "ok", "mood": "good"}, headers={"X-Request-Id": "1"}, request=answer.request
    )
    told.elapsed = timedelta()
    with pytest.raises(Failure, match="mood"):
        hold._spec["/healthz"]["GET"].validate_response(told)
