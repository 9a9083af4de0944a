"""Redis goes away and comes back, or loses everything: workers wait, and every accepted job ends."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from redis import Redis

from jobs.job import State
from jobs.settings import Settings
from jobs.store import layout
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.shell import tingxie
from tests.support.speechlike import wav
from tests.support.waiting import eventually
from tingxie import redis_server as embedded


@pytest.fixture
def own_redis(tmp_path: Path, redis_server: embedded.RedisServer) -> Iterator[embedded.RedisServer]:
    """A Redis for one test to hurt; found as the session's was."""
    del redis_server
    server = embedded.start(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def settings(own_redis: embedded.RedisServer, tmp_path: Path) -> Settings:
    return Settings(redis_url=own_redis.url, data_dir=tmp_path / "data")


def program_of(server: embedded.RedisServer) -> psutil.Process:
    """redis-server itself, below its tether."""
    [child] = psutil.Process(server.process.pid).children()
    return child


def test_a_killed_and_restarted_redis_loses_no_job(
    settings: Settings, own_redis: embedded.RedisServer, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.05"}, **BRISK) as running:
        job_id = running.submit_bytes(wav(120.0))
        running.covered(job_id)
        program_of(own_redis).kill()
        own_redis.process.wait()
        restarted = embedded.start(own_redis.folder, port=own_redis.port)
        try:
            assert running.wait(job_id).state is State.SUCCEEDED
            later = running.submit_bytes(wav(5.0))
            assert running.wait(later).state is State.SUCCEEDED
            windows = [*running.store.list(layout.windows(job_id)), *running.store.list(layout.windows(later))]
            assert running.ledger.counters()["committed"] >= len(windows)
            running.check_alive()
            running.stop()
            running.processes.clear()
        finally:
            restarted.stop()


@pytest.mark.full
def test_a_redis_that_stalls_past_all_timeouts_loses_no_job(
    settings: Settings, own_redis: embedded.RedisServer, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.05"}, **BRISK) as running:
        job_id = running.submit_bytes(wav(300.0))
        running.covered(job_id)
        program_of(own_redis).suspend()
        log = running.processes["transcribe-1"]
        eventually(lambda: log.log.count("chore.away") >= 2, 60)  # heartbeat and reconciler
        program_of(own_redis).resume()
        assert running.wait(job_id).state is State.SUCCEEDED
        running.check_alive()


@pytest.mark.full
def test_recover_rebuilds_the_ledger_after_all_data_is_lost(
    settings: Settings, own_redis: embedded.RedisServer, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", environment={SLEEP: "0.05"}, **BRISK) as running:
        done = running.submit_bytes(wav(10.0))
        assert running.wait(done).state is State.SUCCEEDED
        running_job = running.submit_bytes(wav(200.0))
        running.covered(running_job)
        with Redis.from_url(own_redis.url) as redis:
            redis.flushdb()
        where = {"TINGXIE_REDIS_URL": own_redis.url, "TINGXIE_DATA_DIR": str(settings.data_dir)}
        first = tingxie("recover", "--json", **where)
        assert (first.returncode, first.stdout) == (0, '{"restored": 1, "entered": 1, "known": 0, "skipped": 0}\n')
        again = tingxie("recover", **where)
        assert again.stdout == "0 restored, 0 entered, 2 known, 0 skipped\n"
        assert running.job(done).state is State.SUCCEEDED
        assert running.job(done).duration_s == 10.0
        job = running.wait(running_job)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == 200.0
        running.check_alive()
