"""/v1/batches: a manifest of submissions; a bad item sinks nothing but itself, a crash loses none and doubles none."""

import io
import json
import time
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.ledger import Ledger
from jobs.store import AudioStore, layout
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from tests.integration.api.test_uploads import add, begin
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer
from worker.recover_command import rebuild

LINES = {"Content-Type": "application/jsonl"}


def uploaded(http: httpx.Client, recording: bytes, **pairs: str) -> str:
    path = begin(http, len(recording), **pairs)
    add(http, path, 0, recording)
    return path.rpartition("/")[2]


def manifest(*items: Any) -> bytes:
    return "\n".join(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in items).encode()


def send(http: httpx.Client, *items: Any, name: str = "") -> str:
    answer = http.post("/v1/batches", params={"name": name}, content=manifest(*items), headers=LINES)
    assert answer.status_code == 202, answer.text
    path: str = answer.headers["Location"]
    assert path == answer.json()["links"]["self"]
    return path


def entered(http: httpx.Client, path: str) -> dict[str, Any]:
    def is_entered() -> dict[str, Any]:
        batch: dict[str, Any] = http.get(path).json()
        assert batch["state"] != "entering", batch
        return batch

    return eventually(is_entered, 60.0)


def urls(count: int) -> list[dict[str, str]]:
    return [{"url": f"https://example.com/{number}.wav", "custom_id": f"c{number}"} for number in range(count)]


def test_good_and_bad_items(http: httpx.Client, worker: FakeWorker, recording: bytes) -> None:
    first, second = (uploaded(http, recording + bytes(n), filename=f"会/议{n}.wav") for n in (2, 4))
    path = send(
        http,
        {"upload_id": first, "custom_id": "one", "language": "zh", "metadata": {"a": "b"}},
        '{"upload_id": ',
        "",
        {"upload_id": first, "custom_id": "again"},
        {"upload_id": "0" * 32, "custom_id": "nowhere"},
        {"upload_id": second, "filename": "b.wav", "priority": "high"},
        {"custom_id": "neither", "filename": "x"},
        {"url": "http://127.0.0.1/secret", "custom_id": "forbidden"},
        name="Monday",
    )
    batch = entered(http, path)
    assert (batch["name"], batch["total"], batch["state"]) == ("Monday", 7, "running")
    assert (batch["counts"]["queued"], batch["counts"]["rejected"]) == (2, 5)
    for _ in range(2):
        worker.succeed()
    batch = http.get(path).json()
    assert batch["state"] == "ended"
    assert batch["counts"]["succeeded"] == 2
    assert batch["duration_s"] == batch["covered_s"] == 1.0
    items = http.get(f"{path}/items").json()["items"]
    told = [(item["custom_id"], item["state"], (item["error"] or {}).get("type")) for item in items]
    assert told == [
        ("one", "succeeded", None),
        (None, "rejected", "invalid-request"),
        ("again", "rejected", "upload-used"),
        ("nowhere", "rejected", "upload-not-found"),
        (None, "succeeded", None),
        ("neither", "rejected", "invalid-request"),
        ("forbidden", "rejected", "url-refused"),
    ]
    job = http.get(f"/v1/jobs/{items[0]['job_id']}").json()
    assert (job["batch_id"], job["language"], job["metadata"]) == (batch["id"], "zh", {"a": "b"})
    assert http.get(f"/v1/jobs/{items[4]['job_id']}").json()["priority"] == "high"
    check_exports(http, path)


def check_exports(http: httpx.Client, path: str) -> None:
    lines = [json.loads(line) for line in http.get(f"{path}/export").text.splitlines()]
    assert [line["transcript"]["text"] for line in lines if line["transcript"]] == ["你好", "你好"]
    assert [line["index"] for line in lines] == list(range(7))
    assert all((line["transcript"] is None) == (line["error"] is not None) for line in lines)
    archive = zipfile.ZipFile(io.BytesIO(http.get(f"{path}/export", params={"format": "zip"}).content))
    assert archive.testzip() is None
    names = ["00000-audio.srt", "00000-audio.txt", "00004-b.srt", "00004-b.txt", "items.jsonl"]
    assert sorted(archive.namelist()) == names
    assert archive.read("00004-b.txt").decode() == "你好\n"
    assert "-->" in archive.read("00000-audio.srt").decode()
    assert len(archive.read("items.jsonl").splitlines()) == 7


def test_as_one_document(http: httpx.Client, worker: FakeWorker, recording: bytes) -> None:
    items = [{"upload_id": uploaded(http, recording)}, {"url": "https://example.com/a.wav", "priority": "low"}]
    asked = {"name": "both", "options": {"priority": "high", "language": "zh"}, "items": items}
    answer = http.post("/v1/batches", json=asked)
    assert answer.status_code == 202, answer.text
    path = answer.headers["Location"]
    assert entered(http, path)["counts"]["queued"] == 2
    jobs = [http.get(f"/v1/jobs/{item['job_id']}").json() for item in http.get(f"{path}/items").json()["items"]]
    assert [(job["priority"], job["language"]) for job in jobs] == [("high", "zh"), ("low", "zh")]
    bad = http.post("/v1/batches", json={**asked, "items": [*items, {"upload_id": "a", "url": "b"}]})
    refused(bad, 422, "invalid-request")
    refused(http.post("/v1/batches", content=b"a", headers={"Content-Type": "text/csv"}), 415, "unsupported-media-type")
    refused(http.post("/v1/batches", content=manifest(*urls(10_001)), headers=LINES), 422, "invalid-request")
    listed = http.get("/v1/batches", params={"limit": 1}).json()
    assert [batch["name"] for batch in listed["batches"]] == ["both"]
    older = http.get("/v1/batches", params={"cursor": listed["next_cursor"]}).json()
    assert older == {"batches": [], "next_cursor": None}


def test_pages_of_items_and_an_empty_batch(http: httpx.Client) -> None:
    path = send(http, *urls(25))
    assert entered(http, path)["counts"]["queued"] == 25
    found, cursor = [], 0
    while cursor is not None:
        page = http.get(f"{path}/items", params={"limit": 10, "cursor": cursor}).json()
        found += [item["custom_id"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert found == [f"c{number}" for number in range(25)]
    assert entered(http, send(http))["state"] == "ended"


def test_cancel_and_delete(http: httpx.Client, web: WebServer, worker: FakeWorker, recording: bytes) -> None:
    path = send(http, {"upload_id": uploaded(http, recording)}, *urls(30))
    entered(http, path)
    worker.succeed()
    assert http.post(f"{path}/cancel").status_code == 202
    eventually(lambda: http.get(path).json()["state"] == "cancelled")
    counts = http.get(path).json()["counts"]
    assert (counts["succeeded"], counts["cancelled"], counts["queued"]) == (1, 30, 0)
    jobs = [item["job_id"] for item in http.get(f"{path}/items").json()["items"]]
    assert http.delete(path).status_code == 204
    for answer in (http.get(path), http.get(f"{path}/items"), http.get(f"{path}/export"), http.delete(path)):
        refused(answer, 404, "batch-not-found")
    batch_id = path.rpartition("/")[2]
    eventually(lambda: not [name for name in web.stored() if name.startswith(f"batches/{batch_id}")])
    assert {http.get(f"/v1/jobs/{job}").status_code for job in jobs} == {404}
    assert not [name for name in web.stored() if name.startswith(f"jobs/{batch_id}") and name.endswith("job.json")]


def test_a_cancel_in_the_middle_of_entering(http: httpx.Client) -> None:
    path = send(http, *urls(500))
    http.post(f"{path}/cancel")
    eventually(lambda: http.get(path).json()["state"] == "cancelled", 60.0)
    counts = http.get(path).json()["counts"]
    assert counts["cancelled"] == 500
    assert sum(counts.values()) == 500


@pytest.mark.full
def test_a_front_end_that_dies_while_it_enters_a_batch(
    redis_server: RedisServer, ledger: Ledger, tmp_path: Path
) -> None:
    """The next one goes on; every item is there once."""
    with WebServer(tmp_path, redis_url=redis_server.url) as web:
        path = send(web.client, *urls(2000))
        eventually(lambda: web.client.get(path).json()["counts"]["queued"] > 100)
        web.worker_process().kill()
    assert ledger.batch(path.rpartition("/")[2]).stage == "entering"
    with WebServer(tmp_path, redis_url=redis_server.url) as web:
        batch = entered(web.client, path)
        assert (batch["counts"]["queued"], batch["counts"]["rejected"]) == (2000, 0)
        records = [name for name in web.stored() if name.endswith("/job.json")]
        assert len(records) == 2000
        jobs, cursor = ledger.jobs("local", limit=200)
        found = {job.id for job in jobs}
        while cursor:
            jobs, cursor = ledger.jobs("local", limit=200, cursor=cursor)
            found |= {job.id for job in jobs}
        assert len(found) == 2000


def test_a_redis_that_lost_all_of_it(
    http: httpx.Client, redis: Any, ledger: Ledger, store: AudioStore, recording: bytes
) -> None:
    """`tingxie recover` brings batches back as they were, deleted ones aside."""
    kept = send(http, {"upload_id": uploaded(http, recording)}, {"upload_id": "0" * 32}, "{", name="kept")
    entered(http, kept)
    cancelled, deleted = send(http, *urls(3)), send(http, *urls(3))
    for path in (cancelled, deleted):
        entered(http, path)
    http.post(f"{cancelled}/cancel")
    eventually(lambda: http.get(cancelled).json()["state"] == "cancelled")
    http.delete(deleted)
    eventually(lambda: not store.exists(layout.batch_deleted(deleted.rpartition("/")[2])))
    before = http.get(kept).json()
    redis.flushdb()
    refused(http.get(kept), 404, "batch-not-found")
    assert rebuild(ledger, store).batches >= 2
    assert http.get(kept).json() == before
    eventually(lambda: http.get(cancelled).json()["counts"]["cancelled"] == 3)
    refused(http.get(deleted), 404, "batch-not-found")


def test_items_wait_while_their_owner_has_too_much_queued(
    redis_server: RedisServer, ledger: Ledger, recording: bytes, tmp_path: Path
) -> None:
    """The queue takes two of them: half a second each, by their size."""
    with WebServer(tmp_path, redis_url=redis_server.url, owner_queued_s=1.2, dedupe=False) as web:
        items = [{"upload_id": uploaded(web.client, recording + bytes(2 * n))} for n in range(3)]
        path = send(web.client, *items)
        eventually(lambda: web.client.get(path).json()["counts"]["queued"] == 2)
        batch = web.client.get(path).json()
        assert (batch["state"], batch["counts"]["pending"], batch["counts"]["rejected"]) == ("entering", 1, 0)
        first = web.client.get(f"{path}/items").json()["items"][0]["job_id"]
        web.client.post(f"/v1/jobs/{first}/cancel")
        assert entered(web.client, path)["counts"]["queued"] == 2


@pytest.mark.full
def test_a_status_of_ten_thousand_items_is_quick(http: httpx.Client) -> None:
    path = send(http, *urls(10_000))
    eventually(lambda: http.get(path).json()["state"] == "running", 250.0, every_s=1.0)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        assert http.get(path).json()["counts"]["queued"] == 10_000
        took.append(time.perf_counter() - began)
    assert min(took) < 0.2
