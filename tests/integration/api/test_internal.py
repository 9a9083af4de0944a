"""/internal: who is let in, which objects are given out, and that bytes are checked."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from jobs.store import wire
from tests.integration.api.server import WebServer
from tests.support.addresses import outward_address
from tests.support.remote_store import NO_REDIS, TOKEN, front_end_of_workers
from tests.support.shell import tingxie
from tingxie.redis_server import RedisServer

BYTES = bytes(range(256)) * 8
DIGEST = {wire.DIGEST: wire.digest_header(BYTES)}
OBJECT = "/internal/objects/jobs/7/windows/000000"


@pytest.fixture
def front() -> WebServer:
    return front_end_of_workers()


@pytest.fixture
def worker(front: WebServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=front.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        assert client.put(OBJECT, content=BYTES, headers=DIGEST).json()["size_bytes"] == len(BYTES)
        yield client


def test_without_a_token_there_is_nothing(http: httpx.Client) -> None:
    for path in ("/internal/store", "/internal/join", "/internal/objects", OBJECT):
        answer = http.get(path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 404
        assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize("sent", ["", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer été"])
def test_only_the_token_opens_it(worker: httpx.Client, sent: str) -> None:
    headers = {"Authorization": sent.encode("latin-1")} if sent else {"Authorization": ""}
    for method, path in (("GET", OBJECT), ("PUT", OBJECT), ("DELETE", OBJECT), ("GET", "/internal/join")):
        answer = worker.request(method, path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["type"] == "/problems/worker-token-refused"


def test_the_token_opens_nothing_else(worker: httpx.Client, keyed_server: WebServer) -> None:
    answer = worker.get(f"{keyed_server.url}/v1/jobs")
    assert answer.status_code == 401


NOT_GIVEN = [
    "keys/k.json",
    "jobs/../keys/k.json",
    "jobs/%2e%2e/keys/k.json",
    "jobs/..%2fkeys%2fk.json",
    "jobs/./../keys/k.json",
    "%2e%2e/%2e%2e/etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "jobs/%5c..%5ckeys",
    "jobs/a%00b",
    "jobs",
    "else/where",
]


@pytest.mark.parametrize("name", NOT_GIVEN)
def test_what_no_worker_needs_is_not_given_out(front: WebServer, name: str) -> None:
    (front.store / "keys").mkdir(exist_ok=True)
    (front.store / "keys" / "k.json").write_bytes(b"secret")
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        status = _raw(front, method, f"/internal/objects/{name}")
        assert status in (301, 308, 403, 404, 405), (method, status)
    assert (front.store / "keys" / "k.json").read_bytes() == b"secret"


def _raw(front: WebServer, method: str, target: str) -> int:
    """By a client that leaves the target as it is."""
    url = httpx.URL(front.url)
    request = httpx.Request(
        method,
        url,
        headers={"Authorization": f"Bearer {TOKEN}", **DIGEST},
        content=BYTES if method == "PUT" else b"",
        extensions={"target": target.encode()},
    )
    with httpx.Client() as client:
        return client.send(request).status_code


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("PUT", "webhooks/o/1.json"),
        ("DELETE", "webhooks/o/1.json"),
        ("PUT", "incoming/1/upload.json"),
        ("PUT", "batches/1/batch.json"),
        ("DELETE", "models/m/vocabulary.json"),
    ],
)
def test_workers_do_with_it_only_what_they_need(worker: httpx.Client, method: str, name: str) -> None:
    content = BYTES if method == "PUT" else None
    assert worker.request(method, f"/internal/objects/{name}", content=content, headers=DIGEST).status_code == 403


def test_a_copy_wants_both_rights(worker: httpx.Client) -> None:
    assert worker.put(f"{OBJECT}-copy", params={"from": "keys/k.json"}).status_code == 403
    assert worker.put("/internal/objects/keys/k.json", params={"from": "jobs/7/windows/000000"}).status_code == 403
    assert worker.put(f"{OBJECT}-copy", params={"from": "jobs/7/windows/000000"}).status_code == 204
    assert worker.get(f"{OBJECT}-copy").content == BYTES


@pytest.mark.parametrize("prefix", ["", "/", "keys/", "jobs/../", "jobs/../keys/", "jobs"])
def test_lists_are_of_the_same(worker: httpx.Client, prefix: str) -> None:
    assert worker.get("/internal/objects", params={"prefix": prefix}).status_code in (403, 422)
    assert worker.delete("/internal/objects", params={"prefix": prefix}).status_code in (403, 422)


def test_nobody_removes_all_jobs(worker: httpx.Client) -> None:
    assert worker.delete("/internal/objects", params={"prefix": "jobs/"}).status_code == 403
    assert worker.get(OBJECT).content == BYTES


@pytest.mark.parametrize(
    ("asked", "first", "stop"),
    [("0-9", 0, 10), ("2000-", 2000, 2048), ("2000-9999", 2000, 2048), ("-48", 2000, 2048), ("-9999", 0, 2048)],
)
def test_a_range_comes_with_its_own_digest(worker: httpx.Client, asked: str, first: int, stop: int) -> None:
    answer = worker.get(OBJECT, headers={"Range": f"bytes={asked}"})
    assert answer.content == BYTES[first:stop]
    digest = base64.b64encode(hashlib.sha256(BYTES[first:stop]).digest()).decode()
    assert answer.headers["Content-Digest"] == f"sha-256=:{digest}:"
    if stop - first < len(BYTES):
        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {first}-{stop - 1}/2048"
    assert answer.headers["Tingxie-Size"] == "2048"


def test_no_answer_is_larger_than_what_we_hold_in_memory(worker: httpx.Client) -> None:
    large = bytes(wire.PIECE_BYTES + 10)
    worker.put(f"{OBJECT}-large", content=large, headers={wire.DIGEST: wire.digest_header(large)})
    answer = worker.get(f"{OBJECT}-large")
    assert answer.status_code == 206
    assert len(answer.content) == wire.PIECE_BYTES


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({wire.DIGEST: wire.digest_header(b"other")}, BYTES, 460),
        ({wire.DIGEST: "md5=:AAAA:"}, BYTES, 422),
        ({wire.DIGEST: "sha-256=:not base64:"}, BYTES, 422),
        ({}, BYTES, 422),
        ({"Content-Type": wire.APPENDED}, BYTES + hashlib.sha256(BYTES[1:]).digest(), 460),
        ({"Content-Type": wire.APPENDED}, BYTES[:20], 460),
    ],
)
def test_bytes_that_are_not_what_was_sent_are_not_kept(
    worker: httpx.Client, front: WebServer, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = worker.put("/internal/objects/jobs/8/audio", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    assert not list((front.store / "jobs").glob("8/*"))


@pytest.mark.parametrize("cut", [1, 7, 31, 32, 33, 500])
def test_a_digest_at_the_end_may_come_in_any_pieces(worker: httpx.Client, cut: int) -> None:
    whole = BYTES + hashlib.sha256(BYTES).digest()
    pieces = (whole[at : at + cut] for at in range(0, len(whole), cut))
    answer = worker.put(f"{OBJECT}-cut?sync=1", content=pieces, headers={"Content-Type": wire.APPENDED})
    assert answer.json() == {"size_bytes": len(BYTES), "sha256": hashlib.sha256(BYTES).hexdigest()}
    assert worker.get(f"{OBJECT}-cut").content == BYTES


def test_what_is_not_there_is_told_from_a_path_that_is_not(worker: httpx.Client) -> None:
    missing = worker.get("/internal/objects/jobs/7/none")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/object-missing")
    assert wire.GONE in missing.headers
    assert wire.GONE in worker.head("/internal/objects/jobs/7/none").headers
    assert wire.GONE not in worker.get("/internal/none").headers


def test_a_store_that_is_away_is_503(worker: httpx.Client, front: WebServer) -> None:
    elsewhere = front.store.with_name("elsewhere")
    front.store.rename(elsewhere)
    try:
        for method, path in (("GET", OBJECT), ("PUT", OBJECT), ("GET", "/internal/objects?prefix=jobs/")):
            answer = worker.request(method, path, content=BYTES if method == "PUT" else None, headers=DIGEST)
            assert answer.status_code == 503, (method, path)
            assert answer.headers["Retry-After"]
            assert answer.json()["type"] == "/problems/store-unavailable"
    finally:
        elsewhere.rename(front.store)


def test_it_is_not_told_to_clients(front: WebServer) -> None:
    assert wire.BASE not in httpx.get(f"{front.url}/openapi.json").text


def test_without_keys_other_machines_are_let_in_as_workers_only(redis_server: RedisServer, tmp_path: Path) -> None:
    address = outward_address()
    server = WebServer(tmp_path, redis_url=redis_server.url, worker_token=TOKEN, host=f"127.0.0.1,{address}")
    with server:
        assert server.log.count("others are let in as workers only") == 2
        assert httpx.get(f"{server.url}/session").json()["wants_key"] is False
        far = httpx.URL(server.url).copy_with(host=address)
        with httpx.Client(base_url=far) as client:
            assert client.get("/healthz").is_success
            assert client.get("/session").json()["wants_key"] is True
            for path in ("/v1/jobs", "/v1/jobs/7", "/metrics"):
                assert client.get(path).status_code == 401
            assert client.post("/v1/jobs", content=b"RIFF").status_code == 401
            assert client.get("/internal/store").status_code == 401
            assert client.get("/internal/store", headers={"Authorization": f"Bearer {TOKEN}"}).is_success


def test_a_front_end_has_its_store_itself(front: WebServer, redis_server: RedisServer) -> None:
    store = {"TINGXIE_STORE_URL": front.url, "TINGXIE_WORKER_TOKEN": TOKEN}
    ran = tingxie("web", "--port", "0", TINGXIE_REDIS_URL=redis_server.url, **store)
    assert (ran.returncode, ran.stderr.count("\n")) == (78, 1)
    assert "is a store for workers only" in ran.stderr


@dataclass(frozen=True)
class Refusal:
    """What a worker says, and its exit status, where it is started with that store and token."""

    store: str
    token: str
    says: str
    status: int = 78
    kind: str = "prepare"


REFUSALS = [
    Refusal("front", "another", "This isn't the worker token"),
    Refusal("front", "another", "This isn't the worker token", kind="transcribe"),
    Refusal("front", "", "there is no token for the store at http://127.0.0.1"),
    Refusal("http://127.0.0.1:1", TOKEN, "no answer from http://127.0.0.1:1", status=3),
    Refusal("ftp://front", "", "isn't a store this version knows"),
    Refusal("file:///dev/null/store", "", "can't be made: Not a directory"),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: f"{each.kind}-{each.says[:16]}")
def test_a_worker_that_cannot_use_the_store_refuses_to_start(front: WebServer, refusal: Refusal) -> None:
    ran = tingxie(
        "worker",
        refusal.kind,
        TINGXIE_STORE_URL=front.url if refusal.store == "front" else refusal.store,
        TINGXIE_WORKER_TOKEN=refusal.token,
        TINGXIE_REDIS_URL=NO_REDIS,
    )
    assert (ran.returncode, ran.stderr.count("\n")) == (refusal.status, 1), ran.stderr
    assert ran.stderr.startswith(f"tingxie worker {refusal.kind}: ")
    assert refusal.says in ran.stderr
