"""Submission by URL through the whole service: front end, workers, and a server that stands for the public internet."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.job import State
from jobs.settings import Settings
from jobs.store import layout
from tests.support.receiver import Received, Receiver, Reply
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

AUDIO = wav(60.0)
HALF = len(AUDIO) // 2


@pytest.fixture
def server() -> Iterator[Receiver]:
    with Receiver(lambda _request: Reply(200, AUDIO), host="127.0.0.2") as server:
        yield server


def submit(running: Service, url: str, **options: object) -> httpx.Response:
    return httpx.post(f"{running.url}/v1/jobs", json={"url": url, **options})


def test_jobs_by_url(settings: Settings, tmp_path: Path, server: Receiver) -> None:
    """One that comes as it should, one behind a redirect to where nobody may go, one whose worker is killed midway."""
    brisk = {"heartbeat_s": 0.3, "lease_s": 2.0, "reconcile_s": 0.2}
    with (
        Receiver(lambda _request: Reply(200, AUDIO)) as secret,
        service(settings, tmp_path / "logs", web=True, allowed_hosts=f"{server.host}/32", **brisk) as running,
    ):
        answer = submit(running, f"{server.url}/talks/%E8%AC%9B.wav?token=t0ken", language="zh")
        assert answer.status_code == 202, answer.text
        asked = answer.json()
        assert (asked["filename"], asked["state"], asked["language"]) == ("講.wav", "queued", "zh")
        assert asked["source_url"].endswith("?token=t0ken")
        job = running.wait(asked["id"])
        assert job.state is State.SUCCEEDED, job.error
        uploaded = running.submit_bytes(AUDIO)
        running.wait(uploaded)
        assert running.transcript(asked["id"]).text == running.transcript(uploaded).text

        server.answer = lambda _request: Reply(302, headers={"Location": f"{secret.url}/a.wav"})
        refused = running.wait(submit(running, f"{server.url}/a.wav").json()["id"])
        assert refused.error is not None
        assert refused.error["type"] == "fetch-refused"
        assert "127.0.0.1" in refused.error["detail"]
        assert not secret.requests
        killed_midway(running, server)
        logs = "".join(path.read_text() for path in (tmp_path / "logs").glob("*.log"))
        assert "fetch.done" in logs
        assert "t0ken" not in logs


def killed_midway(running: Service, server: Receiver) -> None:
    """The first half is kept by a broken connection; the child that waits for the second is killed; another goes on."""

    def answer(request: Received) -> Reply:
        found = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
        if not found:
            return Reply(200, AUDIO, {"ETag": '"v"'}, cut_after=HALF)
        if len(server.requests) == began + 2:
            time.sleep(20)  # in a thread of its own
        start = int(found[1])
        said = {"ETag": '"v"', "Content-Range": f"bytes {start}-{len(AUDIO) - 1}/{len(AUDIO)}"}
        return Reply(206, AUDIO[start:], said)

    began, server.answer = len(server.requests), answer
    job_id = submit(running, f"{server.url}/long.wav").json()["id"]
    eventually(lambda: len(server.requests) == began + 2)
    for child in running.processes["prepare"].children():
        child.kill()
    assert running.wait(job_id).state is State.SUCCEEDED
    assert running.store.read(layout.audio(job_id)) == AUDIO
    assert len(server.requests) == began + 3
