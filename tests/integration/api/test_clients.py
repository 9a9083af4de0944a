"""The Python clients against the real front end: submit, follow, wait, read, retry, delete."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.fake_worker import SAMPLES, TEXT, FakeWorker
from tests.integration.api.server import WebServer
from tests.support.waiting import eventually
from tingxie import AsyncClient, Client, Event, Job, SubmitOptions, Transcript
from tingxie.errors import JobNotEnded, JobUnknown

NOTES = {"case": "42", "about": "访谈" * 100}
OPTIONS = SubmitOptions(language="zh", metadata=NOTES, priority="high", script="s2t", channels="split")


def finish_soon(worker: FakeWorker, client: Client) -> threading.Thread:
    """A worker that takes the job to its end once it is followed."""

    def work() -> None:
        eventually(lambda: client.list().jobs)
        worker.succeed()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


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
        working = finish_soon(worker, client)
        events = list(client.events(job.id))
        working.join()
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
            with Client(web.url) as other:
                working = finish_soon(worker, other)
                events = [event async for event in client.events(job.id)]
                await asyncio.to_thread(working.join)
            return job, await client.wait(job.id, timeout_s=30), events, await client.transcript(job.id)

    check(*asyncio.run(run()))


def test_a_cancelled_job_is_tried_again(web: WebServer, talk: Path) -> None:
    with Client(web.url) as client:
        job = client.submit(talk)
        assert client.cancel(job.id).state == "cancelled"
        again = client.retry(job.id)
        assert again.id != job.id
        assert again.state == "queued"
