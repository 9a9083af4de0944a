"""/metrics and /v1/status: true to the ledger, in Prometheus's format, for those with the scope; and the CLI on it."""

import shutil
import subprocess

import httpx
import pytest

from jobs.api_key import Scope
from jobs.errors import AudioUnreadable, Problem
from jobs.ledger import Ledger
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.keyed import Holders
from tests.integration.api.server import WebServer
from tests.integration.api.test_submit import refused
from tests.support.ledger import request
from tests.support.metrics import scraped, value
from tests.support.shell import tingxie


def test_a_jobs_way_in_figures(http: httpx.Client, recording: bytes, worker: FakeWorker, ledger: Ledger) -> None:
    served = worker.serve()
    http.post("/v1/jobs?priority=high", content=recording)
    assert value(http, "tingxie_jobs_unfinished", model=served.model, priority="high") == 1
    worker.prepare()
    assert value(http, "tingxie_backlog_seconds", model=served.model, priority="high") == 0.5
    assert value(http, "tingxie_windows_claimable", model=served.model) == 1
    assert value(http, "tingxie_worker_speed", model=served.model, host="here") == 10.0
    assert value(http, "tingxie_device_memory_bytes", model=served.model, of="peak") == 2_000
    worker.transcribe(served)
    assert value(http, "tingxie_cpu_units_claimable") == 1
    worker.finish()
    assert value(http, "tingxie_jobs_ended_total", state="succeeded") == 1
    assert value(http, "tingxie_backlog_seconds") == value(http, "tingxie_jobs_unfinished") == 0
    assert value(http, "tingxie_windows_committed_total") == ledger.counters()["committed"] == 1
    assert value(http, "tingxie_stage_seconds_count", stage="all") == 1
    assert value(http, "tingxie_workers", kind="cpu") == value(http, "tingxie_redis_up") == 1


def test_requests_are_counted_by_route_and_status(http: httpx.Client, worker: FakeWorker, recording: bytes) -> None:
    route = "/v1/jobs/<job_id>"
    job_id = http.post("/v1/jobs", content=recording).json()["id"]

    def counted(status: str) -> float:
        return sum(
            each
            for (name, labels), each in scraped(http).items()
            if name == "tingxie_http_requests_total" and labels >= {("route", route), ("status", status)}
        )

    before, missed = counted("200"), counted("404")
    http.get(f"/v1/jobs/{job_id}")  # answered before Flask
    http.get(f"/v1/jobs/{job_id}?wait=0")
    http.get("/v1/jobs/0123")
    http.request("BREW", "/nowhere")
    assert (counted("200") - before, counted("404") - missed) == (2, 1)
    assert value(http, "tingxie_http_requests_total", method="other", route="none", status="404") >= 1
    assert value(http, "tingxie_http_request_seconds_count", route=route) < sum(map(counted, ("200", "404", "304"))) + 1


def test_promtool_finds_nothing_to_say(http: httpx.Client, worker: FakeWorker) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool (Debian: prometheus) is not installed")
    worker.serve()
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=http.get("/metrics").text, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_status_tells_how_many_workers_are_wanted(
    http: httpx.Client, worker: FakeWorker, recording: bytes, ledger: Ledger
) -> None:
    served = worker.serve()
    for _ in range(3):
        http.post("/v1/jobs", content=recording)
        worker.prepare()
    found = http.get("/v1/status?target_s=1").json()
    assert (found["jobs"], found["backlog_s"], found["transcribe_workers"]) == (3, 1.5, 1)
    [model] = found["models"]
    assert (model["model"], model["speed"], model["workers_wanted"]) == (served.model, 10.0, 1)
    ledger.create(request(model="other"))
    assert http.get("/v1/status").json()["workers_wanted"] == 2
    assert http.get("/v1/status?model=nobody").json()["models"] == []
    assert tingxie("workers-wanted", "--target", "5m", "--server", str(http.base_url)).stdout == "2\n"
    assert tingxie("workers-wanted", "--model", "other", "--server", str(http.base_url)).stdout == "1\n"
    assert tingxie("workers-wanted", "--target", "soon", "--server", str(http.base_url)).returncode == 2
    refused(http.get("/v1/status?target_s=0"), 422, "invalid-request")


def test_the_status_tells_who_works_on_what_and_what_failed(
    http: httpx.Client, worker: FakeWorker, recording: bytes, ledger: Ledger
) -> None:
    bad = http.post("/v1/jobs", content=recording).json()["id"]
    worker.fail(Problem.of(AudioUnreadable("it holds a poem")))
    job_id = http.post("/v1/jobs", content=recording).json()["id"]
    model = worker.serve()
    worker.prepare()
    assert ledger.claim_windows("fake-1-transcribe", "claim", model.key, max_windows=8, max_samples=10**9)
    found = http.get("/v1/status").json()
    in_hand = {each["kind"]: each["in_hand"] for each in found["workers"]}
    assert in_hand == {"transcribe": [{"phase": "transcribe", "job_id": job_id, "windows": 1}], "cpu": []}
    [last] = found["failures"]["last"]
    assert (last["job_id"], last["type"]) == (bad, "audio-unreadable")
    assert (found["failures"]["total"], found["failures"]["types"]) == (1, {"audio-unreadable": 1})
    http.delete(f"/v1/jobs/{bad}")
    assert http.get("/v1/status").json()["failures"]["total"] == 0


@pytest.mark.parametrize("path", ["/metrics", "/v1/status", "//metrics", "//v1/status"])
def test_a_scope_of_their_own(keyed_server: WebServer, hold: Holders, path: str) -> None:
    path = keyed_server.url + path  # whole, since the client takes a second slash away
    refused(keyed_server.client.get(path), 401, "key-required")
    refused(hold(keyed_server).client.get(path), 403, "scope-missing")
    monitor = hold(keyed_server, [Scope.METRICS]).client
    assert monitor.get(path).status_code == 200
    assert hold(keyed_server, [Scope.ADMIN]).client.get(path).status_code == 200
    refused(monitor.get("/v1/jobs"), 403, "scope-missing")
