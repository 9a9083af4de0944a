"""Requests that wait for one transcript: the same audio is one job, and the last to leave ends it."""

import time

import pytest
from redis import Redis

from jobs.errors import AudioUnreadable, Problem
from jobs.job import State
from jobs.ledger import Ledger, keys
from tests.support import ledger as given
from tests.support.waiting import eventually

LONG_S = 60.0


def made(ledger: Ledger, job_id: str, *, owner: str = "local", request: str = "one") -> str:
    """A job made by a request that waits for it."""
    ledger.announce(given.spec())
    found, is_there = ledger.join(owner, "digest", job_id, request, lease_s=LONG_S)
    assert (found, is_there) == (job_id, False)
    ledger.create(given.request(job_id, owner=owner))
    return job_id


def test_the_second_request_joins_the_first(ledger: Ledger) -> None:
    assert ledger.join("local", "digest", "first", "one", lease_s=LONG_S) == ("first", False)
    assert ledger.join("local", "digest", "second", "two", lease_s=LONG_S) == ("first", False)  # is being made
    ledger.create(given.request("first"))
    assert ledger.join("local", "digest", "third", "three", lease_s=LONG_S) == ("first", True)
    assert ledger.join("local", "other digest", "fourth", "four", lease_s=LONG_S)[0] == "fourth"
    assert ledger.join("other owner", "digest", "fifth", "five", lease_s=LONG_S)[0] == "fifth"


@pytest.mark.parametrize("end", ["failed", "cancelled", "deleted"])
def test_a_job_without_a_transcript_is_joined_by_nobody(
    ledger: Ledger, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.ledger.attending_calls.ENTERING_S", 0.0)
    made(ledger, "first")
    if end == "failed":
        ledger.fail_job(given.claim_prepare(ledger), Problem.of(AudioUnreadable()))
    elif end == "cancelled":
        ledger.cancel("first")
    else:
        ledger.delete("first")
    assert ledger.join("local", "digest", "second", "two", lease_s=LONG_S) == ("second", False)


def test_who_died_before_the_job_was_made_holds_up_nobody(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.ledger.attending_calls.ENTERING_S", 0.2)
    ledger.join("local", "digest", "first", "one", lease_s=LONG_S)
    found = eventually(lambda: ledger.join("local", "digest", "second", "two", lease_s=LONG_S) == ("second", False), 5)
    assert found


def test_the_last_one_to_leave_ends_the_job(ledger: Ledger) -> None:
    job_id = made(ledger, "first")
    ledger.join("local", "digest", "second", "two", lease_s=LONG_S)
    ledger.attend(job_id, "one", 0.0)
    assert not ledger.abandon(job_id)
    assert ledger.job(job_id).state is State.QUEUED
    ledger.attend(job_id, "two", 0.3)
    assert not ledger.abandon(job_id)
    time.sleep(0.4)
    assert ledger.abandon(job_id)
    assert ledger.job(job_id).state is State.CANCELLED


def test_a_job_that_has_ended_stays_as_it_is(ledger: Ledger) -> None:
    job_id = made(ledger, "first")
    given.prepare(ledger, given.claim_prepare(ledger), 1)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    given.finish(ledger)
    ledger.attend(job_id, "one", 0.0)
    assert ledger.abandon(job_id)
    assert ledger.job(job_id).state is State.SUCCEEDED
    assert ledger.join("local", "digest", "second", "two", lease_s=LONG_S) == (job_id, True)


def test_nothing_of_it_lasts(ledger: Ledger, redis: Redis) -> None:
    job_id = made(ledger, "first")
    assert 0 < redis.ttl(keys.key("attending", job=job_id)) <= LONG_S + 3
    assert 0 < redis.ttl(keys.key("transcription", owner="local", digest="digest")) <= 3600
