"""Following a job by server-sent events: everything once and in order, whatever happens to the connection."""

import signal
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.integration.api.fake_worker import TEXT, FakeWorker, spec
from tests.integration.api.following import EventSource
from tests.integration.api.server import WebServer
from tests.integration.api.test_poll import submit
from tests.integration.api.test_submit import refused
from tests.support import ledger as given
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer


def followed(server: WebServer, job_id: str) -> EventSource:
    return EventSource(lambda: f"{server.url}/v1/jobs/{job_id}/events")


def open_stream(web: WebServer, job_id: str) -> socket.socket:
    """A stream whose client reads nothing more after the head of the answer."""
    address = urlsplit(web.url)
    connection = socket.create_connection((address.hostname, address.port or 80), timeout=20)
    connection.sendall(f"GET /v1/jobs/{job_id}/events HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert connection.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    return connection


def test_a_job_is_told_from_its_beginning_to_its_end(web: WebServer, recording: bytes, worker: FakeWorker) -> None:
    job_id = submit(web.client, recording)
    with followed(web, job_id) as source:
        assert source.wait_for("snapshot") == {
            "state": "queued",
            "stage": "waiting_for_worker",
            "progress": 0.0,
            "text": "",
        }
        worker.succeed()
        assert source.wait_for("end") == {"state": "succeeded", "error": None}
        eventually(lambda: source.stopped)  # it came back and was told not to
    assert source.text == TEXT
    assert source.data("state") == [
        {"state": "running", "stage": "preparing"},
        {"state": "running", "stage": "transcribing"},
        {"state": "running", "stage": "finishing"},
    ]
    assert [event.event for event in source.events][-1] == "end"
    assert source.connections == 2


def test_a_job_that_has_ended_is_told_at_once(web: WebServer, recording: bytes, worker: FakeWorker) -> None:
    job_id = submit(web.client, recording)
    worker.succeed()
    with followed(web, job_id) as source:
        assert source.wait_for("end")["state"] == "succeeded"
    assert source.data("snapshot") == [{"state": "succeeded", "stage": None, "progress": 1.0, "text": TEXT}]
    cancelled = submit(web.client, recording)
    web.client.post(f"/v1/jobs/{cancelled}/cancel")
    answer = web.client.get(f"/v1/jobs/{cancelled}/events")
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert '"state":"cancelled"' in answer.text


def test_killed_in_the_middle_and_resumed(
    redis_server: RedisServer, tmp_path: Path, ledger: Ledger, recording: bytes
) -> None:
    """The front end dies with the stream open and comes back on the same port: no delta is lost or doubled."""
    served = spec("toy", revision="r1", dtype="float32", max_window_s=30.0)
    with WebServer(tmp_path, redis_url=redis_server.url, model="toy") as server:
        ledger.announce(served)
        job_id = submit(server.client, recording)
        given.prepare(ledger, given.claim_prepare(ledger), 40)
        leases = given.claim(ledger, "gpu", model_key=served.key)
        with followed(server, job_id) as source:
            for number, lease in enumerate(leases):
                ledger.commit("gpu", given.results([lease]))
                if number == 10:
                    eventually(lambda: "<7>" in source.text)
                    server.worker_process().kill()
                    server.process.kill()
                    server.process.wait(20)
                if number == 20:
                    server.restart()
                    eventually(lambda: source.connections >= 2)
            given.finish(ledger)
            source.wait_for("end")
            eventually(lambda: source.stopped)
    assert source.text == "".join(f"<{index}>" for index in range(40))
    assert len(source.data("snapshot")) == 1
    ids = [event.id for event in source.events]
    assert len(ids) == len(set(ids))


def test_resumed_by_the_query_and_refused_where_it_is_no_event(
    web: WebServer, recording: bytes, worker: FakeWorker
) -> None:
    job_id = submit(web.client, recording)
    with followed(web, job_id) as source:
        source.wait_for("snapshot")
        begin = source.last_id
        worker.succeed()
        source.wait_for("end")
    path = f"/v1/jobs/{job_id}/events"
    again = web.client.get(path, params={"last_event_id": begin}).text
    assert again.count("event: text") == 1
    assert "snapshot" not in again
    assert web.client.get(path, params={"last_event_id": source.last_id}).status_code == 204
    refused(web.client.get(path, params={"last_event_id": "x"}), 422, "invalid-request")
    assert "event: snapshot" in web.client.get(path, headers={"Last-Event-ID": "from elsewhere"}).text
    refused(web.client.get("/v1/jobs/0123456789abcdef/events"), 404, "job-not-found")


def test_a_deleted_job_ends_its_streams(web: WebServer, recording: bytes) -> None:
    job_id = submit(web.client, recording)
    with followed(web, job_id) as source:
        source.wait_for("snapshot")
        web.client.delete(f"/v1/jobs/{job_id}")
        assert source.wait_for("end", 10) == {"state": "deleted", "error": None}
        eventually(lambda: source.stopped)


def test_heartbeats_a_time_limit_and_a_limit_of_streams(
    redis_server: RedisServer, tmp_path: Path, settings: Settings, recording: bytes
) -> None:
    chosen = {"web_streams": 2, "web_threads": 2, "stream_heartbeat_s": 0.3, "stream_s": 2.0}
    with WebServer(tmp_path, redis_url=redis_server.url, **chosen) as server:
        job_id = submit(server.client, recording)
        path = f"/v1/jobs/{job_id}/events"
        began = time.monotonic()
        silent = server.client.get(path).text
        assert 2.0 <= time.monotonic() - began < 20
        assert silent.count("\n: ") >= 3
        assert "event: end" not in silent
        streams = [open_stream(server, job_id) for _ in range(2)]
        try:
            full = server.client.get(path)
            refused(full, 503, "too-many-held")
            assert int(full.headers["Retry-After"]) >= 1
            assert server.client.get(f"/v1/jobs/{job_id}?wait=30").status_code == 200  # at once
        finally:
            for stream in streams:
                stream.close()
        # A client that goes away frees its place long before its time is up.
        eventually(lambda: server.client.head(path).status_code == 200, 10)


def test_a_drain_ends_streams_at_once(redis_server: RedisServer, tmp_path: Path, recording: bytes) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url) as server:
        job_id = submit(server.client, recording)
        with followed(server, job_id) as source:
            source.wait_for("snapshot")
            began = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0
            assert time.monotonic() - began < 15
            source.stopped = True


@pytest.mark.full
def test_two_hundred_idle_streams_cost_little(redis_server: RedisServer, tmp_path: Path, recording: bytes) -> None:
    with WebServer(tmp_path, redis_url=redis_server.url) as server:
        job_id = submit(server.client, recording)
        streams = [open_stream(server, job_id) for _ in range(200)]
        try:
            assert server.worker_process().memory_info().rss < 150_000_000
            assert len(server.worker_process().net_connections()) < 200 + 40
            polled: list[float] = []
            for _ in range(100):
                began = time.monotonic()
                assert server.client.get(f"/v1/jobs/{job_id}").status_code == 200
                polled.append(time.monotonic() - began)
            assert sorted(polled)[50] < 0.25
        finally:
            for stream in streams:
                stream.close()
