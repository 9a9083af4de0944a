"""One person's data is erased; a copy of the store brings everything back into an empty Redis."""

import os
import shutil
from pathlib import Path

from redis import Redis

from jobs.api_key import Scope
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.support.shell import tingxie
from worker.sweep import Sweep


def test_a_copy_of_the_store_brings_all_transcripts_back(
    web: WebServer, redis: Redis, worker: FakeWorker, recording: bytes, tmp_path: Path
) -> None:
    served = worker.serve()
    ids = [web.client.post("/v1/jobs", content=recording).json()["id"] for _ in range(3)]
    for _ in ids[:2]:
        worker.prepare()
        worker.transcribe(served)
        worker.finish()
    succeeded = [job_id for job_id in ids if web.client.get(f"/v1/jobs/{job_id}").json()["state"] == "succeeded"]
    texts = {job_id: web.client.get(f"/v1/jobs/{job_id}/transcript?format=txt").text for job_id in succeeded}
    shutil.copytree(web.folder / "data", tmp_path / "restored")
    redis.flushdb()
    with WebServer(tmp_path, redis_url=_url(redis), data_dir=tmp_path / "restored") as other:
        where = {"TINGXIE_REDIS_URL": _url(redis), "TINGXIE_DATA_DIR": str(tmp_path / "restored")}
        recovered = tingxie("recover", **where)
        assert recovered.returncode == 0, recovered.stderr
        assert len(texts) == 2
        for job_id, text in texts.items():
            assert other.client.get(f"/v1/jobs/{job_id}/transcript?format=txt").text == text
        [waiting] = set(ids) - set(texts)
        assert other.client.get(f"/v1/jobs/{waiting}").json()["state"] == "queued"


def _url(redis: Redis) -> str:
    found = redis.connection_pool.connection_kwargs
    return f"redis://{found['host']}:{found['port']}/{found.get('db', 0)}"


def test_erase_takes_all_of_a_note_and_nothing_else(
    web: WebServer, recording: bytes, ledger: Ledger, store: AudioStore, settings: Settings
) -> None:
    http = web.client

    def submit(person: str) -> str:
        job_id: str = http.post("/v1/jobs", params={"metadata[person]": person}, content=recording).json()["id"]
        return job_id

    gone, kept = [submit("7") for _ in range(3)], submit("8")
    only_looked = tingxie("erase", "--metadata", "person=7", "--server", web.url)
    assert {line.split("\t")[0] for line in only_looked.stdout.splitlines()} == set(gone)
    assert http.get(f"/v1/jobs/{gone[0]}").is_success
    erased = tingxie("erase", "--metadata", "person=7", "--yes", "--server", web.url)
    assert (erased.returncode, erased.stderr) == (0, "3 jobs deleted\n")
    for job_id in gone:
        assert http.get(f"/v1/jobs/{job_id}").status_code == 404
    left = [name for name in web.stored() if any(job_id in name for job_id in gone)]
    assert not [name for name in left if name.endswith("job.json")]
    for name in left:
        os.utime(web.store / name, (0, 0))  # an hour later, the sweep takes what is left
    Sweep(ledger, store, settings, lambda: True).sweep()
    assert not [name for name in web.stored() if any(job_id in name for job_id in gone)]
    assert http.get(f"/v1/jobs/{kept}").is_success
    assert tingxie("erase", "--server", web.url).returncode == 2


def test_an_admin_erases_an_owner(keyed_server: WebServer, hold: Holders, recording: bytes) -> None:
    mine, other, admin = hold(keyed_server), hold(keyed_server), hold(keyed_server, [Scope.ADMIN])
    ids = [each.client.post("/v1/jobs", content=recording).json()["id"] for each in (mine, other)]
    options = ("--owner", mine.key.owner, "--yes", "--server", keyed_server.url)
    assert tingxie("erase", *options, TINGXIE_API_KEY=other.token).returncode == 1
    assert tingxie("erase", *options, TINGXIE_API_KEY=admin.token).returncode == 0
    assert mine.client.get(f"/v1/jobs/{ids[0]}").status_code == 404
    assert other.client.get(f"/v1/jobs/{ids[1]}").is_success
