"""The same file twice, over HTTP and through real workers: the work is done once, and neither needs the other."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from jobs.settings import Settings
from jobs.store import layout
from tests.support.databases import Databases
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

#: ten windows, of 0.3 s each
AUDIO_S, SLOW = 190.0, {SLEEP: "0.015"}


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("dedupe")
    with databases.one() as redis_url:
        settings = Settings(redis_url=redis_url, data_dir=folder / "data")
        with service(settings, folder / "logs", web=True, dedupe=True, preparers=2, environment=SLOW) as each:
            yield each


def submit(running: Service, audio: bytes, **options: str) -> dict[str, Any]:
    answer = httpx.post(f"{running.url}/v1/jobs", files={"file": ("talk.wav", audio)}, data=options, timeout=30.0)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def poll(running: Service, job_id: str) -> dict[str, Any]:
    return dict(httpx.get(f"{running.url}/v1/jobs/{job_id}").json())


def ended(running: Service, job_id: str) -> dict[str, Any]:
    def job() -> dict[str, Any]:
        found = poll(running, job_id)
        assert found["state"] in {"succeeded", "failed", "cancelled"}, found
        return found

    return eventually(job, 60.0)


def text(running: Service, job_id: str) -> str:
    found = httpx.get(f"{running.url}/v1/jobs/{job_id}/transcript").json()
    assert found["job_id"] == job_id
    return str(found["text"])


def under_way(running: Service, job_id: str) -> None:
    eventually(lambda: 0.0 < poll(running, job_id)["covered_s"] < AUDIO_S)


def test_both_succeed_and_the_windows_are_computed_once(running: Service) -> None:
    audio, before = wav(AUDIO_S, seed=1), running.ledger.counters()["committed"]
    first = submit(running, audio)
    under_way(running, first["id"])
    second = submit(running, audio, metadata='{"copy": "yes"}')
    assert (first["deduplicated_from"], second["deduplicated_from"]) == (None, first["id"])
    shown = poll(running, second["id"])
    assert shown["state"] == "running"
    assert 0.0 < shown["covered_s"] < AUDIO_S
    jobs = [ended(running, job["id"]) for job in (first, second)]
    late = submit(running, audio)
    assert late["deduplicated_from"] == first["id"]
    jobs.append(ended(running, late["id"]))
    assert {(job["state"], job["covered_s"], job["duration_s"]) for job in jobs} == {("succeeded", AUDIO_S, AUDIO_S)}
    assert len({text(running, job["id"]) for job in jobs}) == 1
    assert len(text(running, first["id"])) > 100
    assert jobs[1]["metadata"] == {"copy": "yes"}
    drawn = {httpx.get(f"{running.url}/v1/jobs/{job['id']}/waveform").text for job in jobs}
    assert json.loads(drawn.pop())["duration_s"] == AUDIO_S
    assert not drawn
    windows = len(list(running.store.list(layout.windows(first["id"]))))
    assert running.ledger.counters()["committed"] - before == windows > 5
    assert httpx.delete(f"{running.url}/v1/jobs/{first['id']}").status_code == 204
    assert len(text(running, second["id"])) > 100


@pytest.mark.parametrize("end", ["delete", pytest.param("cancel", marks=pytest.mark.full)])
def test_the_second_outlives_the_first(running: Service, end: str) -> None:
    audio = wav(AUDIO_S, seed=2 if end == "cancel" else 3)
    first, second = submit(running, audio), submit(running, audio)
    under_way(running, second["id"])
    if end == "cancel":
        assert httpx.post(f"{running.url}/v1/jobs/{first['id']}/cancel").json()["state"] == "cancelled"
    else:
        assert httpx.delete(f"{running.url}/v1/jobs/{first['id']}").status_code == 204
    job = ended(running, second["id"])
    assert (job["state"], job["covered_s"], job["deduplicated_from"]) == ("succeeded", AUDIO_S, None)
    assert len(text(running, second["id"])) > 100


@pytest.mark.parametrize("end", ["cancel", pytest.param("delete", marks=pytest.mark.full)])
def test_the_first_outlives_the_second(running: Service, end: str) -> None:
    audio = wav(AUDIO_S, seed=4 if end == "cancel" else 5)
    first, second = submit(running, audio), submit(running, audio)
    under_way(running, second["id"])
    if end == "cancel":
        assert httpx.post(f"{running.url}/v1/jobs/{second['id']}/cancel").json()["state"] == "cancelled"
    else:
        assert httpx.delete(f"{running.url}/v1/jobs/{second['id']}").status_code == 204
    job = ended(running, first["id"])
    assert (job["state"], job["covered_s"]) == ("succeeded", AUDIO_S)
    assert len(text(running, first["id"])) > 100
