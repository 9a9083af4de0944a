"""What the ledger tells of a job: every change once, in order, for a while; a snapshot where that while is over."""

import threading
import time

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, JobNotFound, Problem
from jobs.job import State
from jobs.ledger import Happened, Ledger, keys
from tests.support import ledger as given

#: more entries than are kept: the stream is trimmed by whole nodes of a hundred
MANY = 900


def told(happened: Happened) -> list[dict[str, object]]:
    return [event.changes for event in happened.events]


def first_id(redis: Redis, job_id: str) -> str:
    [[entry, _]] = redis.xrange(keys.key("events", job=job_id), count=1)
    return str(entry.decode())


def test_every_change_is_told_once_and_in_order(ledger: Ledger, redis: Redis) -> None:
    job_id = given.prepared_job(ledger, 3)
    ledger.beat(given.worker("gpu"))
    first, second, third = given.claim(ledger)
    ledger.commit("gpu", given.results([second]))
    ledger.commit("gpu", given.results([first]))
    ledger.commit("gpu", given.results([first, third]))
    given.finish(ledger)
    happened = ledger.happened(job_id, first_id(redis, job_id))
    changes = told(happened)
    progress = [changed.pop("progress") for changed in changes if "progress" in changed]
    assert changes == [
        {"state": "running", "stage": "preparing"},
        {"state": "running", "stage": "transcribing"},
        {},
        {"text": "<0><1>"},
        {"text": "<2>"},
        {"state": "running", "stage": "finishing"},
        {"state": "succeeded"},
    ]
    assert progress == sorted(progress)  # type: ignore[type-var]
    assert happened.has_ended
    assert ledger.happened(job_id, happened.last_id).is_over


def test_a_client_that_comes_in_the_middle_is_told_the_rest(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger, 3)
    leases = given.claim(ledger)
    ledger.commit("gpu", given.results(leases[:2]))
    begin = ledger.happened(job_id)
    assert begin.snapshot
    assert (begin.snapshot.text, begin.snapshot.job.state, begin.has_ended) == ("<0><1>", State.RUNNING, False)
    ledger.commit("gpu", given.results(leases[2:]))
    assert [changed.get("text") for changed in told(ledger.happened(job_id, begin.last_id))] == ["<2>", None]


def test_what_was_trimmed_is_made_up_for_by_the_whole_text(ledger: Ledger, redis: Redis) -> None:
    job_id = given.prepared_job(ledger, MANY, kept=16_000)
    before = first_id(redis, job_id)
    for lease in given.claim(ledger, max_windows=MANY):
        ledger.commit("gpu", given.results([lease]))
    assert redis.xlen(keys.key("events", job=job_id)) < MANY - 200
    happened = ledger.happened(job_id, before)
    assert happened.events == []
    assert happened.snapshot
    assert happened.snapshot.text == "".join(f"<{index}>" for index in range(MANY))
    assert ledger.happened(job_id, happened.last_id).events == []


@pytest.mark.parametrize("end", ["fail", "cancel", "expire"])
def test_every_way_to_the_end_is_told(ledger: Ledger, redis: Redis, end: str) -> None:
    ledger.announce(given.spec())
    asked = given.request()
    ledger.create(asked)
    begin = ledger.happened(asked.id).last_id
    if end == "fail":
        ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioUnreadable()))
    elif end == "cancel":
        ledger.cancel(asked.id)
    else:
        ledger.expire_waiting(0.0)
    happened = ledger.happened(asked.id, begin)
    last = happened.events[-1]
    assert happened.has_ended
    assert last.changes["state"] == ledger.job(asked.id).state
    assert last.changes.get("error") == ledger.job(asked.id).error
    assert 0 < redis.ttl(keys.key("events", job=asked.id)) <= 300


def test_after_its_retention_nothing_is_left_and_the_end_is_still_known(ledger: Ledger, redis: Redis) -> None:
    job_id = given.prepared_job(ledger, 1)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    begin = first_id(redis, job_id)
    given.finish(ledger)
    end = ledger.happened(job_id).last_id
    redis.delete(keys.key("events", job=job_id))  # as its TTL does
    late = ledger.happened(job_id, begin)
    assert late.snapshot
    assert (late.has_ended, late.last_id) == (True, end)
    assert ledger.happened(job_id, end).is_over


def test_a_deleted_jobs_events_go_soon(ledger: Ledger, redis: Redis) -> None:
    running, done = given.prepared_job(ledger, 1), given.prepared_job(ledger, 1)
    ledger.cancel(done)
    ledger.delete(done)
    assert not redis.exists(keys.key("events", job=done))
    ledger.delete(running)  # whoever follows it is woken once more
    assert 0 < redis.ttl(keys.key("events", job=running)) <= 300
    with pytest.raises(JobNotFound):
        ledger.happened(running)


def test_news_come_at_once_and_only_of_what_was_asked(ledger: Ledger) -> None:
    watched, other = given.request(), given.request()
    for asked in (watched, other):
        ledger.create(asked)
    news = ledger.news()
    try:
        after = {watched.id: ledger.newest_event(watched.id), "unknown": "0-0"}
        began = time.monotonic()
        assert news.read(after, 0.2) == {}
        ledger.cancel(other.id)
        assert news.read(after, 0.2) == {}
        assert time.monotonic() - began >= 0.4
        ledger.cancel(watched.id)
        assert news.read(after, 4.0) == {watched.id: ledger.newest_event(watched.id)}
    finally:
        news.close()


def test_a_read_is_interrupted(ledger: Ledger) -> None:
    news = ledger.news()
    found: list[dict[str, str]] = []
    reader = threading.Thread(target=lambda: found.append(news.read({"j": "0-0"}, 4.0)))
    began = time.monotonic()
    reader.start()
    try:
        while reader.is_alive():
            news.interrupt()
            reader.join(0.05)
        assert found == [{}]
        assert time.monotonic() - began < 3.5
    finally:
        reader.join()
        news.close()


def test_who_shares_anothers_work_is_told_of_it(ledger: Ledger) -> None:
    leader = given.prepared_job(ledger, 3, sha256="a" * 64)
    first, *others = given.claim(ledger)
    ledger.commit("gpu", given.results([first]))
    follower = given.request(sha256="a" * 64)
    assert ledger.create(follower).deduplicated_from == leader
    begin = ledger.happened(follower.id)
    assert begin.snapshot
    assert begin.snapshot.text == "<0>"
    ledger.commit("gpu", given.results(others[:1]))
    assert [changed["text"] for changed in told(ledger.happened(follower.id, begin.last_id))] == ["<1>"]
    ledger.cancel(leader)  # the follower works from its own audio now: nothing of that text is its own
    anew = ledger.happened(follower.id, begin.last_id)
    assert anew.snapshot
    assert anew.snapshot.text == ""
