"""Three Sentinels, a master and its replica: the master is killed in mid-job, and the job ends on the other."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from jobs.job import State
from jobs.settings import Settings
from tests.support.fake_model import SLEEP
from tests.support.redis_group import MASTER, RedisGroup, Watched
from tests.support.service import BRISK, Service, service
from tests.support.shell import tingxie
from tests.support.speechlike import wav
from tests.support.waiting import eventually

PASSWORD = "of-this-test"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    group = RedisGroup(tmp_path / "redis", password=PASSWORD)
    try:
        yield Watched.start(group)
    finally:
        group.stop()


@pytest.mark.full
def test_a_job_outlives_the_master(watched: Watched, tmp_path: Path) -> None:
    url = f"sentinel://:{PASSWORD}@{watched.hosts}/0?name={MASTER}"
    settings = Settings(redis_url=url, data_dir=tmp_path / "data")
    with service(settings, tmp_path / "logs", web=True, environment={SLEEP: "0.02"}, **BRISK) as running:
        ended = running.submit_bytes(wav(5.0))
        assert running.wait(ended).state is State.SUCCEEDED
        job_id = running.submit_bytes(wav(200.0))
        running.covered(job_id, 20.0)
        watched.group.kill(watched.master)
        eventually(lambda: watched.master_now() == watched.replica, 60)
        eventually(lambda: serves(running), 60)
        job = running.wait(job_id)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == job.duration_s == 200.0
        assert running.job(ended).state is State.SUCCEEDED
        # Replication is asynchronous: what was accepted in the last moment before it is brought back by this.
        recovered = tingxie("recover", TINGXIE_REDIS_URL=url, TINGXIE_DATA_DIR=str(settings.data_dir))
        assert recovered.stdout == "0 restored, 0 entered, 2 known, 0 skipped, 0 batches\n", recovered.stderr
        assert running.wait(running.submit_bytes(wav(5.0, seed=1))).state is State.SUCCEEDED
        running.check_alive()
        assert PASSWORD not in running.logs()


def serves(running: Service) -> bool:
    return httpx.get(f"{running.url}/readyz", timeout=20).is_success
