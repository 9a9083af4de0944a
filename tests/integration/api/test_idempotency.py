"""Idempotency-Key: a submission that is sent again makes no second job, whatever became of the first answer."""

import threading
from collections.abc import Iterator

import httpx
import pytest
from redis import Redis

from jobs.ledger import Ledger
from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from tests.support.waiting import eventually
from web.upload import PIECE_BYTES

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def send(client: httpx.Client, recording: bytes, *, form: bool = False, priority: str = "low") -> httpx.Response:
    if form:
        return client.post("/v1/jobs", data={"priority": priority}, files={"file": ("a.wav", recording)}, headers=KEY)
    return client.post(f"/v1/jobs?priority={priority}&filename=a.wav", content=recording, headers=KEY)


@pytest.mark.parametrize("form", [False, True], ids=["raw", "multipart"])
def test_sent_again(web: WebServer, recording: bytes, *, form: bool) -> None:
    """A multipart body has another boundary each time; it's the content that counts."""
    first = send(web.client, recording, form=form)
    stored = web.stored()
    again = send(web.client, recording, form=form)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "Retry-After", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert web.stored() == stored
    assert len(web.client.get("/v1/jobs").json()["jobs"]) == 1


def test_the_bare_key_is_the_same(web: WebServer, recording: bytes) -> None:
    first = send(web.client, recording).json()["id"]
    bare = {"Idempotency-Key": KEY["Idempotency-Key"].strip('"')}
    again = web.client.post("/v1/jobs?priority=low&filename=a.wav", content=recording, headers=bare)
    assert again.json()["id"] == first


@pytest.mark.parametrize("changed", ["bytes", "options", "path"])
def test_with_another_payload(web: WebServer, recording: bytes, changed: str) -> None:
    job_id = send(web.client, recording).json()["id"]
    stored = web.stored()
    if changed == "path":
        answer = web.client.post(f"/v1/jobs/{job_id}/retry", headers=KEY)
    else:
        other = recording + b"\0" if changed == "bytes" else recording
        answer = send(web.client, other, priority="high" if changed == "options" else "low")
    refused(answer, 422, "idempotency-key-reused")
    assert web.stored() == stored
    assert len(web.client.get("/v1/jobs").json()["jobs"]) == 1


def test_while_the_first_is_at_it(web: WebServer, recording: bytes) -> None:
    content = recording + bytes(PIECE_BYTES)
    go_on, answers = threading.Event(), list[httpx.Response]()

    def trickle() -> Iterator[bytes]:
        yield content[:-5000]
        go_on.wait(60)
        yield content[-5000:]

    def slowly() -> None:
        path = "/v1/jobs?priority=low&filename=a.wav"
        answers.append(httpx.post(f"{web.url}{path}", content=trickle(), headers=KEY, timeout=60))

    first = threading.Thread(target=slowly)
    first.start()
    try:
        assert eventually(lambda: [name for name in web.stored() if name.endswith(".part")])
        refusal = send(web.client, content)
        refused(refusal, 409, "idempotency-key-in-use")
        assert refusal.headers["Retry-After"] == "1"
    finally:
        go_on.set()
        first.join(60)
    jobs = {job["id"] for job in web.client.get("/v1/jobs").json()["jobs"]}
    assert {answers[0].json()["id"]} <= jobs


def test_what_failed_may_be_tried_again(web: WebServer, recording: bytes) -> None:
    refused(web.client.post("/v1/jobs", content=b"%PDF-1.7", headers=KEY), 415, "unsupported-format")
    assert send(web.client, recording).status_code == 202


def test_an_answer_that_got_lost_with_its_server(web: WebServer, recording: bytes, redis: Redis) -> None:
    """It died between making the job and keeping the answer: what Redis then knows, its hold having lapsed."""
    first = send(web.client, recording).json()["id"]
    [name] = redis.keys("tingxie:attempt:*")
    redis.hdel(name, "status", "headers", "body")
    stored = web.stored()
    again = send(web.client, recording)
    assert again.json()["id"] == first
    assert web.stored() == stored


def test_a_dead_servers_hold_lapses(web: WebServer, recording: bytes, redis: Redis) -> None:
    send(web.client, recording)
    [name] = redis.keys("tingxie:attempt:*")
    redis.delete(name)
    redis.set(f"{name.decode()}:hold", "another", px=1500)
    refused(send(web.client, recording), 409, "idempotency-key-in-use")
    assert eventually(lambda: (a := send(web.client, recording)).is_success and a).status_code == 202


def test_each_owner_has_keys_of_its_own(keyed_server: WebServer, hold: Holders, recording: bytes, redis: Redis) -> None:
    ids = {send(hold(keyed_server).client, recording).json()["id"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize("key", ["", '""', "x" * 256, "ключ".encode()])
def test_what_is_no_key(web: WebServer, recording: bytes, key: str | bytes) -> None:
    answer = web.client.post("/v1/jobs", content=recording, headers={b"Idempotency-Key": key})  # type: ignore[dict-item]
    refused(answer, 422, "invalid-request")


def test_a_retry_is_made_once(web: WebServer, recording: bytes, ledger: Ledger) -> None:
    job_id = web.client.post("/v1/jobs", content=recording).json()["id"]
    web.client.post(f"/v1/jobs/{job_id}/cancel")
    answers = [web.client.post(f"/v1/jobs/{job_id}/retry", headers=KEY) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["id"] == answers[1].json()["id"] != job_id


def test_every_post_that_creates_takes_the_header(web: WebServer) -> None:
    spec = web.client.get("/openapi.json").json()
    described = [each["post"] for path, each in spec["paths"].items() if "post" in each and "/cancel" not in path]
    creating = [each for each in described if {"201", "202"} & set(each["responses"])]
    assert creating
    lacking = [each["operationId"] for each in creating if "Idempotency-Key" not in _headers(each)]
    assert lacking == []
    for operation in creating:
        examples = operation["responses"]["409"]["content"]["application/problem+json"]["examples"]
        assert "idempotency-key-in-use" in examples


def _headers(operation: dict[str, list[dict[str, str]]]) -> set[str]:
    return {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "header"}
