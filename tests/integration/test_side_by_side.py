"""Another version's workers on the same queue: what an older one left is done, what a newer one wrote is left to it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs.broker import CPU_QUEUE, CPU_TASK, make_celery, transcribe_queue
from jobs.errors import NewerVersion
from jobs.job import FORMAT, JobRequest, State
from jobs.ledger import Ledger, keys
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.support import ledger as given
from tests.support.fake_model import FakeModel
from tests.support.recorded import FOLDER, MIDDLE_S, QUEUED_S, WINDOWS, write_keys
from tests.support.service import BRISK, Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from worker.recover_command import Counts, rebuild

OLD: dict[str, Any] = json.loads((FOLDER / "redis.json").read_text(encoding="utf-8"))
#: the recording is old: a model that nobody has served since then isn't to fail its jobs meanwhile
PATIENT = {"waiting_timeout_s": 1e9}


def test_what_an_older_version_left_is_done(settings: Settings, redis: Redis, tmp_path: Path) -> None:
    """Its batch in hand lapses, its windows and results are read, its messages are taken."""
    write_keys(redis, OLD["keys"])
    shutil.copytree(FOLDER / "store", settings.data_dir / "store")
    middle = OLD["middle"]
    done_before = redis.hlen(keys.key("results", job=middle))
    assert 0 < done_before < redis.hlen(keys.key("windows", job=middle))
    assert redis.hlen(keys.key("leases", job=middle)) > 0
    with service(settings, tmp_path / "logs", **PATIENT, **BRISK) as running:
        for job_id, seed, seconds in ((middle, 0, MIDDLE_S), (OLD["queued"], 1, QUEUED_S)):
            job = running.wait(job_id)
            assert job.state is State.SUCCEEDED, job.error
            assert job.covered_s == job.duration_s == seconds
            again = running.submit_bytes(wav(seconds, seed=seed), **WINDOWS)
            assert running.wait(again).state is State.SUCCEEDED
            assert running.transcript(job_id).text == running.transcript(again).text != ""
        assert running.job(middle).metadata == {"case": "聽"}
        running.check_alive()


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    with service(settings, tmp_path / "logs", **BRISK) as found:
        yield found


def newer(running: Service, audio: bytes) -> JobRequest:
    """A job as a newer version would make it: another format, and a value that this one doesn't know."""
    job_id = running.submissions.begin()
    stored = running.submissions.receive(job_id, [audio])
    request = given.request(job_id, model="fake", size_bytes=stored.size_bytes, sha256=stored.sha256)
    request = request.model_copy(update={"format": FORMAT + 1, "channels": "of-tomorrow"})
    running.store.write(layout.job_record(job_id), [request.model_dump_json(warnings=False).encode()], sync=True)
    assert running.ledger.create(request)
    return request


def test_what_a_newer_version_wrote_is_left_to_it(running: Service, redis: Redis) -> None:
    request = newer(running, wav(2.0))
    app = make_celery(running.settings)
    app.send_task(CPU_TASK, args=["of", "tomorrow"], kwargs={"more": 1}, queue=CPU_QUEUE)
    for queue in (CPU_QUEUE, transcribe_queue(FakeModel().spec.key)):
        app.send_task("tingxie.of_tomorrow", queue=queue)
    eventually(lambda: "unit.of_newer_version" in running.processes["prepare"].log)
    assert request.id in running.processes["prepare"].log
    assert running.wait(running.submit_bytes(wav(2.0, seed=1))).state is State.SUCCEEDED
    eventually(lambda: redis.llen(CPU_QUEUE) == 0)
    running.check_alive()

    record = redis.hgetall(keys.key("job", job=request.id))
    assert record[b"state"] == b"queued"
    assert record[b"prepare"] == b"ready"
    assert b"prepare_deaths" not in record
    with pytest.raises(NewerVersion, match=rf"format {FORMAT + 1}; this version knows {FORMAT}"):
        running.job(request.id)


def test_who_knows_the_format_gets_the_unit(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("of-tomorrow", priority="high").model_copy(update={"format": FORMAT + 1}))
    ledger.create(given.request("of-today"))
    taken = ledger.claim_prepare("today", "first")
    assert taken is not None
    assert taken.job_id == "of-today"
    assert ledger.claim_prepare("today", "second") is None
    answer = ledger._scripts.run("claim_prepare", "tomorrow", "third", "10.0", FORMAT + 1)
    assert json.loads(answer)["job"] == "of-tomorrow"


def test_it_is_not_recovered_as_something_less(ledger: Ledger, tmp_path: Path) -> None:
    store = FolderStore.open(str(tmp_path / "store"))
    request = given.request("of-tomorrow").model_copy(update={"format": FORMAT + 1})
    store.write(layout.job_record(request.id), [request.model_dump_json().encode()])
    store.write(layout.audio(request.id), [b"RIFF"])
    assert rebuild(ledger, store) == Counts(skipped=1)
    assert store.exists(layout.audio(request.id))


def test_a_model_is_read_though_its_spec_says_more(ledger: Ledger, redis: Redis) -> None:
    spec = given.spec()
    ledger.announce(spec)
    redis.hset(keys.key("specs"), spec.key, json.dumps({**json.loads(spec.to_json()), "of_tomorrow": 1}))
    assert ledger.spec(spec.key) == spec
