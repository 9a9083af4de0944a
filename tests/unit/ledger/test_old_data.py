"""Data of the first version, as it lay in Redis and in the store (tests/data/first_release), under today's code.

Recorded with that version: a job that has succeeded, one in the middle (two of four windows done, one leased), one
queued, one cancelled, and a worker that beats.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from jobs.job import JobRequest, State
from jobs.ledger import Ledger
from jobs.store import FolderStore, layout
from tests.support import ledger as given
from worker.recover_command import Counts, rebuild

OLD: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data/first_release/state.json").read_text("utf-8"))
DONE, RUNNING, QUEUED, CANCELLED = (f"{n:032d}" for n in (1, 2, 3, 4))


@pytest.fixture
def old(redis: Redis, ledger: Ledger) -> Ledger:
    """The ledger with what the first version left in Redis."""
    for key, found in OLD["ledger"].items():
        value = found["value"]
        match found["type"]:
            case "string":
                redis.set(key, value)
            case "hash":
                redis.hset(key, mapping=value)
            case "set":
                redis.sadd(key, *value)
            case "list":
                redis.rpush(key, *value)
            case "zset":
                redis.zadd(key, value)
            case "stream":
                for entry, fields in value:
                    redis.xadd(key, fields, id=entry)
            case kind:
                raise AssertionError(kind)
    return ledger


def test_old_jobs_are_read(old: Ledger) -> None:
    states = {job_id: old.job(job_id).state for job_id in (DONE, RUNNING, QUEUED, CANCELLED)}
    assert states == {
        DONE: State.SUCCEEDED,
        RUNNING: State.RUNNING,
        QUEUED: State.QUEUED,
        CANCELLED: State.CANCELLED,
    }
    done = old.job(DONE)
    assert (done.duration_s, done.covered_s, done.metadata) == (20.0, 20.0, {"case": "7"})
    assert old.job(RUNNING).windows_done == 2
    listed, _ = old.jobs("local")
    assert {job.id for job in listed} == set(states)
    assert sum(old.figures().models[0].jobs.values()) == 2


def test_old_jobs_go_on_to_their_end(old: Ledger, redis: Redis) -> None:
    for incarnation in ("gpu", "cpu"):  # the workers of then have ended with their version
        given.lapse(redis, incarnation)
    old.reap()
    old.reap()
    old.beat(given.worker("new"))
    given.prepare(old, given.claim_prepare(old), 2)
    while leases := given.claim(old, "new"):
        old.commit("new", given.results(leases))
    assert {given.finish(old), given.finish(old)} == {RUNNING, QUEUED}
    for job_id in (RUNNING, QUEUED):
        job = old.job(job_id)
        assert (job.state, job.covered_s) == (State.SUCCEEDED, job.duration_s)
    assert sum(old.figures().stages["all"].counts) == 2
    for job_id in (DONE, RUNNING, QUEUED, CANCELLED):
        old.delete(job_id)


def test_old_records_are_recovered(ledger: Ledger, tmp_path: Path) -> None:
    store = FolderStore.open(str(tmp_path / "store"))
    for job_id, record in OLD["records"].items():
        store.write(layout.job_record(job_id), [json.dumps(record).encode()])
        store.write(layout.audio(job_id), [b"RIFF"])
    store.write(layout.transcript(DONE), [json.dumps(OLD["transcript"]).encode()])
    assert rebuild(ledger, store) == Counts(restored=1, entered=3)
    assert ledger.job(DONE).duration_s == 20.0


def test_a_record_says_by_which_format_it_is_written() -> None:
    old = JobRequest.model_validate(OLD["records"][DONE])
    assert old.format == 1
    assert json.loads(given.request().model_dump_json())["format"] == 1
    assert old.work_digest() == old.model_copy(update={"format": 2}).work_digest()
