"""Webhooks by real workers to real receivers: signed, retried, fenced in, over kills of workers and of Redis."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from jobs.settings import Settings
from jobs.webhook import Attempt, DeliveryRecord, DeliveryState, Secrets
from tests.fault.own_redis import OwnRedis
from tests.support.hostile import LITERAL
from tests.support.receiver import Received, Receiver, Reply
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

PUBLIC_URL = "https://tingxie.example"
BRISK: dict[str, Any] = {
    "public_url": PUBLIC_URL,
    "heartbeat_s": 0.3,
    "lease_s": 2.0,
    "reconcile_s": 0.1,
    "webhook_timeout_s": 0.5,
    "webhook_schedule_s": "0,0.3,0.3,0.3",
    "allowed_hosts": "127.0.0.2/32",
}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(host="127.0.0.2") as receiver:
        yield receiver


def ended(running: Service, url: str) -> str:
    """A job with that webhook, cancelled; returns its id."""
    job_id = running.submit_bytes(wav(3.0), webhook_url=url, metadata={"path": url})
    running.ledger.cancel(job_id)
    return job_id


def delivery_of(running: Service, job_id: str) -> DeliveryRecord:
    found, _ = running.ledger.deliveries("local", job_id=job_id)
    assert found, "no delivery yet"
    return found[0]


def in_state(running: Service, job_id: str, state: DeliveryState) -> tuple[DeliveryRecord, list[Attempt]]:
    def reached() -> DeliveryRecord:
        record = delivery_of(running, job_id)
        assert record.state is state, record
        return record

    record = eventually(reached, 60)
    return record, running.ledger.delivery(record.id, "local")[1]


def verified(request: Received, secret: str) -> dict[str, Any]:
    event: dict[str, Any] = Webhook(secret).verify(request.body, dict(request.headers))
    return event


def of(receiver: Receiver, path: str) -> list[Received]:
    return [request for request in receiver.requests if request.path == path]


def failing(times: int, reply: Reply, receiver: Receiver) -> Callable[[Received], Reply]:
    """`reply` to the first requests to a path, then 204."""
    return lambda request: reply if len(of(receiver, request.path)) <= times else Reply(204)


def test_webhooks(settings: Settings, tmp_path: Path, receiver: Receiver) -> None:
    """One service for all that a receiver may do."""
    with (
        Receiver(lambda _request: Reply(200)) as secret_server,
        service(settings, tmp_path / "logs", **BRISK) as running,
    ):
        secrets = Secrets(running.store)
        secret = secrets.create("local").secret
        signed_and_rotated(running, receiver, secrets, secret)
        retried(running, receiver)
        gives_up(running, receiver, secret_server)
        gone_and_replayed(running, receiver)
        assert not secret_server.requests
        assert "?key=hidden" not in running.processes["prepare"].log


def signed_and_rotated(running: Service, receiver: Receiver, secrets: Secrets, secret: str) -> None:
    job_id = running.submit_bytes(wav(3.0), webhook_url=f"{receiver.url}/a?key=hidden", metadata={"talk": "聽寫"})
    record, log = in_state(running, job_id, DeliveryState.DELIVERED)
    [request] = of(receiver, "/a?key=hidden")
    event = verified(request, secret)
    assert event["type"] == "job.succeeded"
    data = event["data"]
    assert (data["id"], data["state"], data["metadata"]) == (job_id, "succeeded", {"talk": "聽寫"})
    assert data["covered_s"] == data["duration_s"] == 3.0
    assert data["links"]["transcript"] == f"{PUBLIC_URL}/v1/jobs/{job_id}/transcript"
    assert "partial_text" not in data
    assert request.headers["webhook-id"] == record.id
    assert request.headers["content-type"] == "application/json"
    assert [attempt.status for attempt in log] == [200]

    newer = secrets.create("local").secret
    in_state(running, ended(running, f"{receiver.url}/b"), DeliveryState.DELIVERED)
    [request] = of(receiver, "/b")
    assert verified(request, secret) == verified(request, newer)
    assert verified(request, newer)["type"] == "job.cancelled"
    newest = secrets.create("local", overlap_s=0.0).secret
    in_state(running, ended(running, f"{receiver.url}/c"), DeliveryState.DELIVERED)
    [request] = of(receiver, "/c")
    verified(request, newest)
    for old in (secret, newer):
        with pytest.raises(WebhookVerificationError):
            verified(request, old)


def retried(running: Service, receiver: Receiver) -> None:
    """500s, then an answer: the same id and the same body each time. A receiver that hangs delays nobody else."""
    receiver.answer = failing(2, Reply(500), receiver)
    record, log = in_state(running, ended(running, f"{receiver.url}/shaky"), DeliveryState.DELIVERED)
    requests = of(receiver, "/shaky")
    assert [attempt.status for attempt in log] == [500, 500, 204]
    assert {request.headers["webhook-id"] for request in requests} == {record.id}
    assert len({request.body for request in requests}) == 1

    def hang(request: Received) -> Reply:
        if request.path == "/hangs":
            time.sleep(3)
        return Reply(200)

    receiver.answer = hang
    stuck = ended(running, f"{receiver.url}/hangs")
    job_id = running.submit_bytes(wav(3.5), webhook_url=f"{receiver.url}/other")
    in_state(running, job_id, DeliveryState.DELIVERED)
    _, log = in_state(running, stuck, DeliveryState.FAILED)
    assert [attempt.status for attempt in log] == [None] * 4
    assert all(0.4 < attempt.duration_s < 3 for attempt in log)


def gives_up(running: Service, receiver: Receiver, secret_server: Receiver) -> None:
    """A redirect to where nobody may go isn't followed; a URL to such a place isn't gone to."""
    receiver.answer = lambda _request: Reply(307, headers={"Location": f"{secret_server.url}/x"})
    _, log = in_state(running, ended(running, f"{receiver.url}/moved"), DeliveryState.FAILED)
    assert [attempt.status for attempt in log] == [307] * 4
    # these are refused at submission; here they have come into the ledger by other ways
    hostile = {f"hostile{n}": url for n, url in enumerate(LITERAL[::10]) if url}
    hostile["secret"] = secret_server.url
    for name, url in hostile.items():
        running.ledger.test_delivery(f"msg_{name}", "local", url)
    for name in hostile:
        eventually(lambda name=name: running.ledger.delivery(f"msg_{name}", "local")[0].state == "failed", 60)
        _, log = running.ledger.delivery(f"msg_{name}", "local")
        assert len(log) == 4
        assert {attempt.status for attempt in log} == {None}
        assert all(attempt.error for attempt in log)


def gone_and_replayed(running: Service, receiver: Receiver) -> None:
    receiver.answer = lambda _request: Reply(410)
    record, log = in_state(running, ended(running, f"{receiver.url}/gone"), DeliveryState.DISABLED)
    assert [attempt.status for attempt in log] == [410]
    in_state(running, ended(running, f"{receiver.url}/gone"), DeliveryState.DISABLED)
    assert len(of(receiver, "/gone")) == 1
    receiver.answer = lambda _request: Reply(200)
    running.ledger.replay_delivery(record.id, "local")
    eventually(lambda: running.ledger.delivery(record.id, "local")[0].state == "delivered")
    assert {request.headers["webhook-id"] for request in of(receiver, "/gone")} == {record.id}


def test_deliveries_outlive_workers_and_redis(settings: Settings, tmp_path: Path, receiver: Receiver) -> None:
    """A worker is killed in mid-delivery, then Redis while deliveries wait: each arrives, under its id."""
    redis = OwnRedis(tmp_path / "redis")
    settings = settings.model_copy(update={"redis_url": redis.url})
    brisk = {**BRISK, "webhook_timeout_s": 1.0, "webhook_schedule_s": "0,3,3,3,3,3"}
    try:
        with service(settings, tmp_path / "logs", **brisk) as running:
            Secrets(running.store).create("local")
            receiver.answer = lambda _request: time.sleep(1.5) or Reply(200)
            held = ended(running, f"{receiver.url}/held")
            eventually(lambda: of(receiver, "/held"))
            running.kill("prepare", signal.SIGKILL)
            receiver.answer = lambda _request: Reply(503)
            waiting = ended(running, f"{receiver.url}/waiting")
            running.start("prepare", "tingxie", "worker", "prepare")
            eventually(lambda: of(receiver, "/waiting"), 60)
            eventually(lambda: delivery_of(running, waiting).attempts)
            time.sleep(1.1)  # what Redis's append-only file has not synced yet, a kill may lose: a second (everysec)
            redis.kill()
            receiver.answer = lambda _request: Reply(200)
            redis.start()
            for job_id, path in ((held, "/held"), (waiting, "/waiting")):
                record, _ = in_state(running, job_id, DeliveryState.DELIVERED)
                requests = of(receiver, path)
                assert len(requests) >= 2
                assert {request.headers["webhook-id"] for request in requests} == {record.id}
    finally:
        redis.stop()
