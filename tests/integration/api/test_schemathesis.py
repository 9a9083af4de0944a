"""schemathesis against the served spec, in a process of its own: every operation, every check, every phase."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.api_key import Scope
from jobs.keyring import Limits
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.keyed import keyring_of
from tests.integration.api.server import WebServer
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer

ROOT = Path(__file__).parents[3]
HOOKS = "tests.integration.api.schemathesis_hooks"


#: nobody is held up for long: not by a poll that waits, nor by a stream of a job that doesn't end
SHORT = {"max_wait_s": 0.1, "stream_s": 0.2, "stream_heartbeat_s": 0.1, "transcription_s": 0.5}
LEASE_S = 3600.0
#: what all phases may take on a slow machine with another test beside them
MOST_S = 600


@pytest.fixture
def served(redis_server: RedisServer, redis: Redis, tmp_path: Path) -> Iterator[WebServer]:
    """A front end whose jobs a worker ends, one way or the other."""
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path / "data", lease_s=LEASE_S)
    with WebServer(tmp_path, redis_url=redis_server.url, lease_s=LEASE_S, **SHORT) as server:
        stopping = threading.Event()
        ledger = Ledger.connect(settings)
        worker = FakeWorker(ledger, open_store(settings.store))
        working = threading.Thread(target=worker.work, args=(stopping,))
        working.start()
        yield server
        stopping.set()
        working.join()
        ledger.close()


def test_the_served_spec_holds(served: WebServer) -> None:
    """Without the phase that goes through every value on the edge of every parameter: it takes most of the time."""
    run_schemathesis(served, 10, "--phases", "examples,fuzzing,stateful")


@pytest.mark.full
@pytest.mark.timeout(MOST_S + 60)
def test_it_holds_in_every_phase(served: WebServer) -> None:
    run_schemathesis(served, 100)


@pytest.mark.full
@pytest.mark.timeout(MOST_S + 60)
def test_it_holds_with_keys(served: WebServer) -> None:
    _, token = keyring_of(served).create("schemathesis", list(Scope), owner="ann", limits=Limits())
    eventually(lambda: served.client.get("/v1/jobs").status_code == 401)
    run_schemathesis(served, 100, "--header", f"Authorization: Bearer {token}")


def run_schemathesis(served: WebServer, examples: int, *options: str) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json"]
    ran = subprocess.run(
        [*command, "--seed", "1", "--max-examples", str(examples), *options],
        env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        cwd=served.folder,
        capture_output=True,
        text=True,
        timeout=MOST_S,
        check=False,
    )
    # of ten thousand percent-encoded characters the first tell enough
    shown = "\n".join(line[:400] for line in ran.stdout.splitlines())
    assert ran.returncode == 0, f"{shown}\n{ran.stderr[-2000:]}\n{served.log[-2000:]}"
    operations = sum(len(path) for path in served.client.get("/openapi.json").json()["paths"].values())
    assert f"Tested: {operations}" in ran.stdout, shown
