"""schemathesis against the served spec, in a process of its own: every operation, every check, every phase."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.server import WebServer
from tingxie.redis_server import RedisServer

ROOT = Path(__file__).parents[3]
HOOKS = "tests.integration.api.schemathesis_hooks"


@pytest.fixture
def served(redis_server: RedisServer, redis: Redis, tmp_path: Path) -> Iterator[WebServer]:
    """A front end whose jobs a worker ends, one way or the other, and whose polls don't hold anybody up for long."""
    settings = Settings(redis_url=redis_server.url, data_dir=tmp_path / "data", lease_s=3600.0)
    with WebServer(
        tmp_path, redis_url=redis_server.url, max_wait_s=0.1, stream_s=1.0, transcription_s=1.0, lease_s=3600.0
    ) as server:
        stopping = threading.Event()
        ledger = Ledger.connect(settings)
        worker = FakeWorker(ledger, open_store(settings.store))
        working = threading.Thread(target=worker.work, args=(stopping,))
        working.start()
        yield server
        stopping.set()
        working.join()
        ledger.close()


@pytest.mark.parametrize("examples", [10, pytest.param(100, marks=pytest.mark.full)])
def test_the_served_spec_holds(served: WebServer, examples: int) -> None:
    run_schemathesis(served, "--max-examples", str(examples))


def run_schemathesis(served: WebServer, *options: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{served.url}/openapi.json", "--seed", "1", *options],
        env={**os.environ, "SCHEMATHESIS_HOOKS": HOOKS, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
        cwd=served.folder,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    # of ten thousand percent-encoded characters the first tell enough
    shown = "\n".join(line[:400] for line in ran.stdout.splitlines())
    assert ran.returncode == 0, f"{shown}\n{ran.stderr[-2000:]}\n{served.log[-2000:]}"
