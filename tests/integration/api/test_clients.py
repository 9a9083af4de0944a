"""The Python clients against the real front end: submit, follow, wait, read, retry, delete."""

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.fake_worker import SAMPLES, TEXT, FakeWorker
from tests.integration.api.server import WebServer
from tests.support.proxy import Proxy
from tests.support.speechlike import wav
from tingxie import AsyncClient, Client, Event, Job, SubmitOptions, Transcript
from tingxie.connection import PIECE_BYTES
from tingxie.errors import JobNotEnded, JobUnknown
from tingxie.standing import RESUMABLE_BYTES

NOTES = {"case": "42", "about": "访谈" * 100}
OPTIONS = SubmitOptions(language="zh", metadata=NOTES, priority="high", script="s2t", channels="split")


@contextmanager
def working(worker: FakeWorker) -> Iterator[None]:
    """Meanwhile a worker takes the job to its end."""
    thread = threading.Thread(target=worker.succeed)
    thread.start()
    yield
    thread.join()


def check(job: Job, ended: Job, events: list[Event], transcript: Transcript) -> None:
    assert (job.state, ended.state) == ("queued", "succeeded")
    assert job.raw["metadata"] == NOTES
    assert job.filename == "talk.wav"
    assert events[0].kind == "snapshot"
    assert [event.kind for event in events].count("end") == 1
    assert events[-1].kind == "end"
    assert events[-1].data["state"] == "succeeded"
    assert "".join(event.data["delta"] for event in events if event.kind == "text") == TEXT
    assert transcript.text == TEXT
    assert transcript.duration_s == SAMPLES / 16_000
    assert transcript.chars is not None


def test_a_job_from_its_submission_to_its_end(web: WebServer, talk: Path, worker: FakeWorker) -> None:
    with Client(web.url) as client:
        job = client.submit(talk, options=OPTIONS)
        with pytest.raises(JobNotEnded):
            client.transcript(job.id)
        following = client.events(job.id)
        # Followed before the work begins: what was done before lies in the snapshot, not in text events.
        events = [next(following)]
        with working(worker):
            events += following
        check(job, client.wait(job.id, timeout_s=30), events, client.transcript(job.id))
        assert list(client.events(job.id, after=events[-1].id)) == []
        assert [each.id for each in client.list(metadata={"case": "42"}).jobs] == [job.id]
        client.delete(job.id)
        with pytest.raises(JobUnknown):
            client.status(job.id)


def test_the_same_for_asyncio(web: WebServer, talk: Path, worker: FakeWorker) -> None:
    async def run() -> tuple[Any, ...]:
        async with AsyncClient(web.url) as client:
            job = await client.submit(talk, options=OPTIONS)
            following = client.events(job.id)
            events = [await anext(following)]
            with working(worker):
                events += [event async for event in following]
            return job, await client.wait(job.id, timeout_s=30), events, await client.transcript(job.id)

    check(*asyncio.run(run()))


def test_a_cancelled_job_is_tried_again(web: WebServer, talk: Path) -> None:
    with Client(web.url) as client:
        job = client.submit(talk)
        assert client.cancel(job.id).state == "cancelled"
        again = client.retry(job.id)
        assert again.id != job.id
        assert again.state == "queued"


def test_a_large_file_goes_on_where_the_network_broke(web: WebServer, tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    path.write_bytes(wav(0.1) + os.urandom(RESUMABLE_BYTES))
    proxy = Proxy(int(web.url.rpartition(":")[2]))
    told: list[int] = []

    def on_bytes(sent: int) -> None:
        told.append(sent)
        if sent > RESUMABLE_BYTES // 2 and not proxy.resets:
            proxy.reset()

    try:
        with Client(f"http://127.0.0.1:{proxy.port}") as client:
            client.check_alive()
            job = client.submit(path, on_bytes=on_bytes)
    finally:
        proxy.close()
    went_on_at = next(second for first, second in pairwise(told) if second < first)
    assert went_on_at > PIECE_BYTES, "it began from the start"
    assert web.client.get(f"/v1/jobs/{job.id}/audio").content == path.read_bytes()
    with Client(web.url) as client:
        assert [each.id for each in client.each_job()] == [job.id]
