"""`celery inspect` and Flower look at our workers; the workers leave nothing of that in Redis."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from jobs.broker import CPU_TASK, TRANSCRIBE_TASK
from jobs.settings import Settings
from tests.support.service import Service, service
from tests.support.waiting import eventually

CELERY = (sys.executable, "-m", "celery", "-A", "jobs.celery_app")


@pytest.fixture
def running(settings: Settings, tmp_path: Path) -> Iterator[Service]:
    with service(settings, tmp_path / "logs", remote_control=True) as found:
        yield found


def inspect(running: Service, what: str) -> dict[str, Any]:
    """Worker → what it said."""
    ran = subprocess.run(
        [*CELERY, "inspect", "--timeout", "2", "--json", what],
        env=dict(running.environment),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def ours_aside(redis: Redis) -> set[str]:
    return {key.decode() for key in redis.scan_iter("*") if not key.startswith(b"tingxie:")}


@pytest.mark.full
def test_inspect_and_nothing_stays(running: Service, redis: Redis) -> None:
    pings = eventually(lambda: len(found := inspect(running, "ping")) == 2 and found)
    assert all(answer == {"ok": "pong"} for answer in pings.values())
    registered = inspect(running, "registered")
    assert {task for tasks in registered.values() for task in tasks} >= {CPU_TASK, TRANSCRIBE_TASK}
    assert inspect(running, "active") == {name: [] for name in pings}
    for name in list(running.processes):
        assert running.kill(name, signal.SIGTERM).wait(30) == 0
    left = ours_aside(redis)
    # the bindings of our own queues, one set each, which the next start uses again; of the tools, nothing
    assert not [name for name in left if "pidbox" in name or "reply" in name or "celeryev" in name], left


@contextmanager
def flower(running: Service) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["--address=127.0.0.1", f"--port={port}", "--logging=warning"]
    with (running.folder / "flower.txt").open("wb") as log:
        process = subprocess.Popen(
            [*CELERY, "flower", *options],
            env={**running.environment, "FLOWER_UNAUTHENTICATED_API": "true"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.full
def test_flower_lists_the_workers_and_their_queues(running: Service) -> None:
    with flower(running) as url:

        def listed() -> dict[str, Any]:
            try:
                answer = httpx.get(f"{url}/api/workers", params={"refresh": "1"}, timeout=30)
            except httpx.TransportError:
                return {}
            found: dict[str, Any] = answer.json() if answer.is_success else {}
            return found if len(found) == 2 else {}

        workers = eventually(listed, 60.0)
        queues = {queue["name"] for worker in workers.values() for queue in worker["active_queues"]}
        assert {name.split(".")[1] for name in queues} == {"cpu", "transcribe"}
        assert httpx.get(url, follow_redirects=True).status_code == 200
