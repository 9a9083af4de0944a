"""compose.yaml's very commands and environment as local processes: no Docker engine, but what containers would run."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.support.waiting import eventually
from tingxie import Client
from tingxie.redis_server import find

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
PASSWORD = "of-this-test"
#: what a `.env` file would hold
GIVEN = {"REDIS_PASSWORD": PASSWORD, "TINGXIE_MODEL": "bundled"}


def resolved(text: str) -> str:
    """As Compose reads ${NAME}, ${NAME:-default} and ${NAME:?why}."""
    return re.sub(r"\$\{(\w+)(?::[-?]([^}]*))?\}", lambda found: GIVEN.get(found[1], found[2] or ""), text)


def program(arguments: str) -> list[str]:
    """The image's entry point with them."""
    return [sys.executable, "-m", "tingxie", *shlex.split(arguments)]


class Containers:
    """Its services in one folder, on loopback: hosts, ports and mounts are those of this machine instead."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.redis_port, self.web_port = _free_port(), _free_port()

    def environment(self, name: str) -> dict[str, str]:
        inherited = {key: text for key, text in os.environ.items() if not key.startswith("TINGXIE_")}
        own = {key: self._local(resolved(str(text))) for key, text in COMPOSE["services"][name]["environment"].items()}
        return {**inherited, "TINGXIE_MODEL_THREADS": "1", **own}

    def _local(self, text: str) -> str:
        return text.replace("@redis:6379/", f"@127.0.0.1:{self.redis_port}/").replace("/data", f"{self._folder}/data")

    def run(self, name: str, arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            program(arguments),
            env=self.environment(name),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def start(self, name: str, command: list[str]) -> "subprocess.Popen[bytes]":
        log = self._stack.enter_context((self._folder / f"{name}.log").open("wb"))
        process = subprocess.Popen(command, env=self.environment(name), stdout=log, stderr=log, cwd=self._folder)
        self._stack.callback(_end, process)
        return process

    def log(self, name: str) -> str:
        return (self._folder / f"{name}.log").read_text(errors="replace")


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(30)
    finally:
        process.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Containers]:
    with ExitStack() as stack:
        yield Containers(tmp_path, stack)


@pytest.mark.full
def test_a_sample_goes_through_what_the_containers_run(containers: Containers) -> None:
    redis = shlex.split(resolved(COMPOSE["services"]["redis"]["command"]))
    assert redis[0] == "redis-server"
    redis_server = shutil.which("redis-server") or find()
    containers.start("redis", [redis_server, *redis[1:], "--port", str(containers.redis_port), "--bind", "127.0.0.1"])
    made = eventually(lambda: (ran := containers.run("web", "keys create --scope admin")).returncode == 0 and ran)
    token = made.stdout.strip()
    web = program(f"{COMPOSE['services']['web'].get('command', 'web')} --port {containers.web_port}")
    containers.start("web", web)
    for name in ("prepare", "transcribe-cpu"):
        containers.start(name, program(COMPOSE["services"][name]["command"]))
    url = f"http://127.0.0.1:{containers.web_port}"

    def ready() -> bool:
        try:
            return httpx.get(f"{url}/readyz").is_success
        except httpx.TransportError:
            return False

    eventually(ready, 180.0)
    assert httpx.get(f"{url}/v1/jobs").status_code == 401, "keys are on"
    assert containers.run("prepare", "worker check").returncode == 0
    with Client(url, api_key=token) as client:
        job = client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=120)
        assert job.state == "succeeded"
        text = client.transcript(job.id).text
    assert text == (ROOT / "samples/demo.txt").read_text(encoding="utf-8").strip()
    for name in ("web", "prepare", "transcribe-cpu"):
        assert PASSWORD not in containers.log(name)
