"""What web asks: create, list, cancel, delete; and what the sweep asks."""

import pytest
from redis import Redis

from jobs.errors import JobNotFound
from jobs.job import JobFilter, Stage, State
from jobs.ledger import Ledger, Refused
from tests.support import ledger as given


def test_created_once(ledger: Ledger) -> None:
    asked = given.request()
    assert ledger.create(asked)
    assert not ledger.create(asked)
    assert ledger.job(asked.id).state is State.QUEUED
    assert [job.id for job in ledger.jobs("local")[0]] == [asked.id]


def test_an_unknown_job_is_not_found(ledger: Ledger) -> None:
    for call in (ledger.job, ledger.cancel):
        with pytest.raises(JobNotFound, match="nobody"):
            call("nobody")
    ledger.delete("nobody")


def test_pinned_at_creation_where_the_model_is_announced(ledger: Ledger) -> None:
    ledger.announce(given.spec(revision="r1"))
    asked = given.request()
    ledger.create(asked)
    assert ledger.job(asked.id).revision == "r1"
    assert given.claim_prepare(ledger).job_id == asked.id


def test_pinned_at_the_announcement_otherwise(ledger: Ledger) -> None:
    asked = given.request()
    ledger.create(asked)
    assert ledger.job(asked.id).revision is None
    assert ledger.claim_prepare("cpu", "c") is None
    ledger.announce(given.spec(model="another"))
    assert ledger.job(asked.id).revision is None
    ledger.announce(given.spec(revision="r2"))
    assert ledger.job(asked.id).revision == "r2"
    assert given.claim_prepare(ledger).spec == given.spec(revision="r2")


def test_a_served_spec_is_preferred_to_a_newer_one(ledger: Ledger) -> None:
    old, new = given.spec(revision="r1"), given.spec(revision="r2")
    ledger.announce(old)
    ledger.announce(new)
    ledger.beat(given.worker("gpu", model_keys=(old.key,)))
    asked = given.request()
    ledger.create(asked)
    assert ledger.job(asked.id).revision == "r1"


def test_a_queued_job_moves_to_the_revision_that_is_served_now(ledger: Ledger) -> None:
    old, new = given.spec(revision="r1"), given.spec(revision="r2")
    ledger.announce(old)
    begun, waiting = given.request(size_bytes=32_000), given.request()
    ledger.create(begun)
    ledger.create(waiting)
    assert given.claim_prepare(ledger).job_id == begun.id
    ledger.announce(new)
    assert ledger.job(begun.id).revision == "r1"
    assert ledger.job(waiting.id).revision == "r2"
    assert [demand.backlog_s > 0 for demand in ledger.demand().models] == [True, True]


def test_a_queued_job_stays_while_its_revision_is_served(ledger: Ledger) -> None:
    old = given.spec(revision="r1")
    ledger.announce(old)
    ledger.beat(given.worker("gpu", model_keys=(old.key,)))
    asked = given.request()
    ledger.create(asked)
    ledger.announce(given.spec(revision="r2"))
    assert ledger.job(asked.id).revision == "r1"


def test_listed_newest_first_in_pages(ledger: Ledger) -> None:
    ids = [f"job{n}" for n in range(7)]
    for n, job_id in enumerate(ids):
        ledger.create(given.request(job_id, created_at=1000.0 + n // 3))  # some at the same time
    ledger.create(given.request("other", owner="someone else"))
    seen: list[str] = []
    cursor = ""
    for _ in range(4):
        page, cursor = ledger.jobs("local", limit=2, cursor=cursor)
        seen += [job.id for job in page]
    assert seen == sorted(ids, reverse=True)
    assert cursor == ""


def test_a_page_goes_on_where_its_job_was_deleted(ledger: Ledger) -> None:
    for n in range(4):
        ledger.create(given.request(f"job{n}"))
    page, cursor = ledger.jobs("local", limit=2)
    assert [job.id for job in page] == ["job3", "job2"]
    ledger.delete("job2")
    assert [job.id for job in ledger.jobs("local", limit=2, cursor=cursor)[0]] == ["job1", "job0"]


def test_listed_by_state(ledger: Ledger) -> None:
    for n in range(120):
        ledger.create(given.request(f"job{n:03d}"))
    for n in (3, 110):
        ledger.cancel(f"job{n:03d}")
    found, cursor = ledger.jobs("local", JobFilter([State.CANCELLED]), limit=10)
    assert [job.id for job in found] == ["job110", "job003"]
    assert cursor == ""
    assert len(ledger.jobs("local", JobFilter([State.QUEUED]), limit=200)[0]) == 118


def test_listed_by_what_they_are_called_and_noted(ledger: Ledger) -> None:
    for n in range(150):
        notes = {"room": "蓝" if n % 50 == 0 else "red", "n": str(n)}
        ledger.create(given.request(f"job{n:03d}", created_at=1000.0 + n, filename=f"Say-{n}.WAV", metadata=notes))
    cases = [
        (JobFilter(metadata={"room": "蓝"}), ["job100", "job050", "job000"]),
        (JobFilter(metadata={"room": "蓝", "n": "50"}), ["job050"]),
        (JobFilter(metadata={"floor": "1"}), []),
        (JobFilter(filename="say-14"), [f"job{n}" for n in range(149, 139, -1)] + ["job014"]),
        (JobFilter(filename="%d"), []),
        (JobFilter(created_after=1147.0), ["job149", "job148", "job147"]),
        (JobFilter(created_before=1002.0), ["job001", "job000"]),
        (JobFilter(created_after=1040.0, created_before=1060.0, metadata={"room": "蓝"}), ["job050"]),
    ]
    for wanted, expected in cases:
        found, cursor = ledger.jobs("local", wanted)
        assert ([job.id for job in found], cursor) == (expected, "")


def test_pages_stay_right_while_jobs_arrive(ledger: Ledger) -> None:
    """Every job that was there at the start is seen once, filtered or not, whatever comes or goes meanwhile."""
    for n in range(30):
        ledger.create(given.request(f"old{n:02d}", created_at=1000.0 + n // 4))
    for wanted in (JobFilter(), JobFilter(created_before=1005.0), JobFilter(filename="speech")):
        expected = [job.id for job in ledger.jobs("local", wanted)[0] if job.id.startswith("old")]
        seen, cursor = [], ""
        while True:
            page, cursor = ledger.jobs("local", wanted, limit=4, cursor=cursor)
            seen += [job.id for job in page if job.id.startswith("old")]
            ledger.create(given.request(created_at=2000.0 + len(seen)))
            if not cursor:
                break
        assert seen == expected


def test_a_filtered_page_looks_at_so_many_jobs_only(ledger: Ledger, redis: Redis) -> None:
    record = given.request("job0").model_dump_json()
    with redis.pipeline() as pipeline:
        for n in range(4500):
            pipeline.hset(f"tingxie:job:job{n:04d}", mapping={"state": "cancelled", "request": record})
            pipeline.zadd("tingxie:owner:local:jobs", {f"job{n:04d}": 1000.0 + n})
        pipeline.execute()
    pages, cursor = 0, ""
    while pages == 0 or cursor:
        found, cursor = ledger.jobs("local", JobFilter([State.QUEUED]), cursor=cursor)
        assert found == []
        pages += 1
    assert pages == 3


def at_queued(ledger: Ledger) -> str:
    asked = given.request()
    ledger.create(asked)
    return asked.id


def at_pinned(ledger: Ledger) -> str:
    ledger.announce(given.spec())
    return at_queued(ledger)


def at_preparing(ledger: Ledger) -> str:
    job_id = at_pinned(ledger)
    unit = given.claim_prepare(ledger)
    ledger.register(unit, given.windows(2), decoded_s=20.0, duration_s=60.0)
    return job_id


def at_transcribing(ledger: Ledger) -> str:
    job_id = given.prepared_job(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger, max_windows=1)))
    given.claim(ledger, max_windows=1)
    return job_id


def at_finishing(ledger: Ledger) -> str:
    job_id = given.prepared_job(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    given.claim_finish(ledger)
    return job_id


def at_succeeded(ledger: Ledger) -> str:
    job_id = given.prepared_job(ledger)
    ledger.commit("gpu", given.results(given.claim(ledger)))
    return given.finish(ledger) and job_id


LIVE = [at_queued, at_pinned, at_preparing, at_transcribing, at_finishing]


@pytest.mark.parametrize("state", LIVE)
def test_cancelled_at_any_state_leaves_the_record_only(ledger: Ledger, redis: Redis, state: object) -> None:
    job_id = state(ledger)  # type: ignore[operator]
    assert ledger.cancel(job_id).state is State.CANCELLED
    assert ledger.cancel(job_id).finished_at is not None
    check_nothing_waits(ledger, redis, job_id)
    assert redis.exists(f"tingxie:job:{job_id}")


@pytest.mark.parametrize("state", [*LIVE, at_succeeded])
def test_deleted_at_any_state_leaves_nothing(ledger: Ledger, redis: Redis, state: object) -> None:
    job_id = state(ledger)  # type: ignore[operator]
    ledger.delete(job_id)
    check_nothing_waits(ledger, redis, job_id)
    assert not redis.exists(f"tingxie:job:{job_id}")
    assert ledger.jobs("local") == ([], "")
    with pytest.raises(JobNotFound):
        ledger.job(job_id)


def check_nothing_waits(ledger: Ledger, redis: Redis, job_id: str) -> None:
    demand = ledger.demand()
    assert demand.claimable_cpu_units == 0
    assert all(each.claimable_windows == 0 and each.backlog_s == 0 for each in demand.models)
    left = list(redis.scan_iter(f"tingxie:job:{job_id}:*"))
    assert [key for key in left if redis.ttl(key) < 0] == []
    assert list(redis.scan_iter("tingxie:held:*")) == []
    for kind in ("jobs", "owners", "queue", "remaining", "groups"):
        assert list(redis.scan_iter(f"tingxie:model:*:{kind}*")) == []
    assert not redis.exists("tingxie:unpinned", "tingxie:asked:toy")


def test_what_comes_after_the_end_is_refused(ledger: Ledger) -> None:
    job_id = given.prepared_job(ledger)
    leases = given.claim(ledger)
    ledger.cancel(job_id)
    assert ledger.start("gpu", leases) == [False] * 3
    committed = ledger.commit("gpu", given.results(leases))
    assert (committed.accepted, committed.fenced) == (0, 3)
    ledger.hand_back("gpu", leases)
    assert given.claim(ledger) == []


def test_a_deleted_jobs_prepare_is_refused(ledger: Ledger) -> None:
    ledger.announce(given.spec())
    asked = given.request()
    ledger.create(asked)
    unit = given.claim_prepare(ledger)
    ledger.delete(asked.id)
    with pytest.raises(Refused):
        ledger.register(unit, given.windows(1), decoded_s=10.0, duration_s=None)


def test_the_sweep_learns_what_is_known_and_what_has_ended(ledger: Ledger) -> None:
    for job_id in ("runs", "ended"):
        ledger.create(given.request(job_id))
    ended_at = ledger.cancel("ended").finished_at
    assert ledger.known(["runs", "ended", "orphan"]) == {"runs", "ended"}
    assert ledger.terminal_since(["runs", "ended", "orphan"]) == {"ended": ended_at}
    assert ledger.known(f"job{n}" for n in range(1200)) == set()


def test_an_ended_job_expires_after_its_retention(ledger: Ledger, redis: Redis) -> None:
    for job_id, retention_s in (("short", 1e-6), ("shorter", 1e-6), ("long", 1000.0), ("none", None)):
        ledger.create(given.request(job_id, retention_s=retention_s))
    assert ledger.expired() == []
    for job_id in ("shorter", "short", "long", "none"):
        ledger.cancel(job_id)
    assert ledger.expired() == ["shorter", "short"]
    assert ledger.expired(1) == ["shorter"]
    for job_id in ("shorter", "short", "long", "none"):
        ledger.delete(job_id)
    assert not redis.exists("tingxie:expiries")
    restored = {"revision": "r1", "dtype": "float32", "duration_s": 12.5, "finished_at": 5.0}
    ledger.restore_succeeded(given.request("old", retention_s=1000.0), **restored)  # type: ignore[arg-type]
    assert ledger.expired() == ["old"]


def test_restored_with_its_transcript(ledger: Ledger) -> None:
    asked = given.request()
    restored = {"revision": "r1", "dtype": "float32", "duration_s": 12.5, "finished_at": 2_000_000_000.0}
    assert ledger.restore_succeeded(asked, **restored)  # type: ignore[arg-type]
    assert not ledger.restore_succeeded(asked, **restored)  # type: ignore[arg-type]
    job = ledger.job(asked.id)
    assert (job.state, job.progress, job.duration_s, job.covered_s) == (State.SUCCEEDED, 1.0, 12.5, 12.5)
    assert ledger.terminal_since([asked.id]) == {asked.id: 2_000_000_000.0}
    assert ledger.cancel(asked.id).state is State.SUCCEEDED


def test_waits_for_a_worker_until_one_serves_its_model(ledger: Ledger) -> None:
    asked = given.request()
    ledger.create(asked)
    assert ledger.job(asked.id).stage is Stage.WAITING_FOR_WORKER
    ledger.announce(given.spec())
    assert ledger.job(asked.id).stage is Stage.WAITING_FOR_WORKER
    ledger.beat(given.worker("gpu"))
    assert ledger.job(asked.id).stage is None
    ledger.beat(given.worker("gpu", draining=True))
    assert ledger.job(asked.id).stage is Stage.WAITING_FOR_WORKER


def test_a_job_that_nobody_serves_expires_and_names_what_is_served(ledger: Ledger) -> None:
    ledger.announce(given.spec(model="served"))
    ledger.beat(given.worker("gpu", model_keys=(given.spec(model="served").key,)))
    ledger.announce(given.spec(model="gone"))
    for model in ("served", "gone", "never"):
        ledger.create(given.request(model, model=model))
    assert ledger.expire_waiting(3600.0) == 0
    assert ledger.expire_waiting(0.0) == 2
    assert ledger.job("served").state is State.QUEUED
    for model in ("gone", "never"):
        job = ledger.job(model)
        assert job.state is State.FAILED
        assert job.error is not None
        assert job.error["type"] == "model-not-served"
        assert model in job.error["detail"]
        assert "Served now: served." in job.error["detail"]


def test_a_complete_job_does_not_expire(ledger: Ledger) -> None:
    job_id = at_finishing(ledger)
    assert ledger.expire_waiting(0.0) == 0
    assert ledger.job(job_id).stage is Stage.FINISHING
