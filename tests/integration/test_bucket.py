"""The whole service over a bucket: an S3 service on loopback (moto), front end and workers as real processes."""

import io
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis
from tusclient.client import TusClient

from jobs.job import State
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import layout, open_store
from tests.support.fake_model import SLEEP
from tests.support.receiver import Receiver, Reply
from tests.support.s3 import at_endpoint, environment, s3_service
from tests.support.service import BRISK, Service, service
from tests.support.shell import tingxie
from tests.support.speechlike import wav
from tests.support.stack import Up
from tests.support.waiting import eventually
from worker import sweep

AUDIO = wav(65.0)
SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def bucket() -> Iterator[str]:
    """A store's URL, which this process can open too."""
    with at_endpoint(s3_service().endpoint):
        yield s3_service().url()


def names(running: Service, prefix: str = "") -> set[str]:
    return {each.name for each in running.store.list(prefix)}


def whole_job(running: Service, job_id: str, text: str = "") -> str:
    job = running.wait(job_id)
    assert job.state is State.SUCCEEDED, job.error
    assert job.covered_s == job.duration_s == 65.0
    found = httpx.get(f"{running.url}/v1/jobs/{job_id}/transcript?format=txt").text
    assert len(set(found)) >= 8
    assert text in ("", found)
    return found


def by_tus(running: Service) -> str:
    uploader = TusClient(f"{running.url}/v1/uploads").uploader(
        file_stream=io.BytesIO(AUDIO), metadata={"submit": "true"}, chunk_size=700_000, upload_checksum=True
    )
    uploader.upload()
    return str(uploader.request.response_headers["tingxie-job"]).rpartition("/")[2]


def test_jobs_over_a_bucket(settings: Settings, tmp_path: Path, bucket: str, redis: Redis) -> None:
    """Taken in by every way, played, deleted, swept, and entered anew after Redis lost its data."""
    options = {"store_url": bucket, "sweep_s": 0.5, "allowed_hosts": "127.0.0.2/32", **BRISK}
    chosen = settings.model_copy(update=options)
    with (
        Receiver(lambda _request: Reply(200, AUDIO), host="127.0.0.2") as server,
        service(chosen, tmp_path / "logs", web=True, **options) as running,
    ):
        assert httpx.get(f"{running.url}/readyz").json()["checks"]["store"]["ok"]
        jobs = f"{running.url}/v1/jobs"
        formed = httpx.post(jobs, files={"file": ("talk.wav", AUDIO)}).json()["id"]
        text = whole_job(running, formed)
        whole_job(running, by_tus(running), text)
        fetched = httpx.post(jobs, json={"url": f"{server.url}/a.wav"}).json()["id"]
        whole_job(running, fetched, text)

        assert httpx.get(f"{jobs}/{formed}/audio").content == AUDIO
        part = httpx.get(f"{jobs}/{formed}/audio", headers={"Range": "bytes=1500000-1999999"})
        assert (part.status_code, part.content) == (206, AUDIO[1_500_000:2_000_000])

        eventually(lambda: not names(running, layout.windows(formed)))
        redis.flushdb()
        recovered = tingxie("recover", "--json", **where(chosen))
        assert (recovered.returncode, '"restored": 3' in recovered.stdout) == (0, True), recovered
        whole_job(running, formed, text)

        assert httpx.delete(f"{jobs}/{formed}").status_code == 204
        eventually(lambda: not running.store.exists(layout.job_record(formed)))
        running.check_alive()


def where(chosen: Settings) -> dict[str, str]:
    return {
        "TINGXIE_REDIS_URL": chosen.redis_url,
        "TINGXIE_DATA_DIR": str(chosen.data_dir),
        "TINGXIE_STORE_URL": chosen.store_url,
    }


def test_orphans_are_swept(settings: Settings, ledger: Ledger, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was accepted and Redis doesn't know waits for `tingxie recover`."""
    store = open_store(bucket)
    accepted = {layout.job_record("accepted"), layout.audio("accepted")}
    for name in (*accepted, layout.audio("orphan"), layout.window("orphan", 0), layout.batch_items("half")):
        store.write(name, [b"bytes"])
    swept = sweep.Sweep(ledger, store, settings, lambda: True)
    swept.sweep()
    assert len(list(store.list(""))) == 5  # they are new
    monkeypatch.setattr(sweep, "GRACE_S", -60.0)
    swept.sweep()
    assert {each.name for each in store.list("")} == accepted


@pytest.mark.full
def test_workers_that_are_killed(settings: Settings, tmp_path: Path, bucket: str) -> None:
    """What they had begun in the bucket is no hindrance to others."""
    options = {"store_url": bucket, **BRISK}
    with service(
        settings.model_copy(update=options), tmp_path / "logs", transcribers=2, environment={SLEEP: "0.02"}, **options
    ) as running:
        job_id = running.submit_bytes(wav(300.0))
        running.covered(job_id)
        running.kill("transcribe-1", signal.SIGKILL)
        for child in running.processes["prepare"].children():
            child.kill()
        job = running.wait(job_id)
        assert job.state is State.SUCCEEDED, job.error
        assert job.covered_s == job.duration_s == 300.0
        assert running.ledger.counters()["lapsed"] > 0


@pytest.mark.parametrize(("command", "away"), [("worker prepare", False), ("web", True)])
def test_a_bucket_that_can_not_be_used_is_said_in_one_line(
    command: str, away: bool, settings: Settings, bucket: str
) -> None:
    url, elsewhere = (bucket, environment("http://127.0.0.1:1")) if away else ("s3://no-such-bucket", {})
    ran = tingxie(*command.split(), **where(settings.model_copy(update={"store_url": url})), **elsewhere)
    assert (ran.returncode, ran.stderr.count("\n")) == (3 if away else 78, 1), ran.stderr
    assert ("refused" if away else "NoSuchBucket") in ran.stderr


@pytest.mark.full
def test_the_bundled_model_over_a_bucket(tmp_path: Path, bucket: str) -> None:
    """`tingxie up`, as one would start it with a bucket."""
    up = Up.start(tmp_path / "data", "--port", "0", environment={"TINGXIE_STORE_URL": bucket})
    try:
        ran = tingxie("submit", SAMPLES / "demo.opus", "--wait", "--server", up.url)
        assert ran.returncode == 0, ran.stderr
        wanted = "".join((SAMPLES / "demo.txt").read_text().split())
        assert "".join(ran.stdout.split()) == wanted
        assert not (tmp_path / "data" / "store").exists()
    finally:
        assert up.stop() == 0
    assert names_of(bucket, "/transcript.json")
    assert names_of(bucket, "/audio")


def names_of(bucket: str, ending: str) -> list[str]:
    return [each.name for each in open_store(bucket).list("jobs/") if each.name.endswith(ending)]
