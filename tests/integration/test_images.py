"""docker/Dockerfile, its steps replayed in empty folders: what the images hold, and that their very commands work."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.dockerfile import Replay
from tests.support.redis_group import free_port
from tests.support.waiting import eventually
from tingxie import Client
from tingxie.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
PINS = dict(
    line.split("==") for line in (ROOT / "docker/constraints.txt").read_text().splitlines() if not line.startswith("#")
)

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """For what is replayed: gigabytes, of which pytest would keep three."""
    yield tmp_path / "replayed"
    shutil.rmtree(tmp_path / "replayed", ignore_errors=True)


class Image:
    """A target, replayed on its own, and the programs that run in it."""

    def __init__(self, target: str, folder: Path, **environment: str) -> None:
        self._folder = folder / target
        # torch from where this machine gets it, in place of the index of its CPU builds
        self._replay = Replay(ROOT / "docker/Dockerfile", ROOT, self._folder, TORCH_INDEX="")
        self.stage = self._replay.build(target)
        self.environment = environment

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return self._replay.run(self.stage, list(command), env=self.environment)

    def healthy(self) -> bool:
        return self.run(*self.stage.healthcheck).returncode == 0

    @contextmanager
    def started(self, *command: str) -> Iterator[None]:
        """Its entry point with this command, else its own."""
        arguments = list(command) or self.stage.command
        program = [self._replay.program(self.stage, self.stage.entrypoint[0]), *self.stage.entrypoint[1:], *arguments]
        with (self._folder / f"{arguments[-1]}.log").open("wb") as log:
            environment = self._replay.environment(self.stage) | self.environment
            process = subprocess.Popen(program, env=environment, stdout=log, stderr=log)
        try:
            yield
        except BaseException:
            sys.stdout.write(self.logs())
            raise
        finally:
            process.terminate()
            try:
                process.wait(30)
            finally:
                process.kill()

    def logs(self) -> str:
        return "".join(path.read_text(errors="replace")[-3000:] for path in self._folder.glob("*.log"))

    def not_as_pinned(self) -> dict[str, str]:
        """What it holds in another version than docker/constraints.txt says, or that isn't there."""
        listed = self.run("python", "-m", "pip", "list", "--format", "freeze").stdout.splitlines()
        held = dict(line.split("==") for line in listed)
        return {
            name: version
            for name, version in held.items()
            if PINS.get(re.sub(r"[-_.]+", "-", name).lower()) != version.partition("+")[0]
        }


def test_they_transcribe_and_web_holds_no_torch(folder: Path, redis_server: RedisServer, redis: object) -> None:
    port = free_port()
    ours = {"TINGXIE_REDIS_URL": redis_server.url, "TINGXIE_DATA_DIR": str(folder / "data"), "TINGXIE_PORT": str(port)}
    ours["TINGXIE_MODEL"] = "bundled"
    web = Image("web", folder, **ours)
    worker = Image("worker-cpu", folder, **ours, TINGXIE_MODEL_THREADS="1")
    for image in (web, worker):
        assert image.stage.user == "10001"
        assert image.not_as_pinned().keys() <= {"tingxie", "pip", "setuptools", "wheel"}
    assert "No module named 'torch'" in web.run("python", "-c", "import torch").stderr
    assert worker.run("python", "-c", "import torch").returncode == 0

    key = web.run("tingxie", "keys", "create", "--scope", "admin").stdout.strip()
    with web.started(), worker.started(), worker.started("worker", "prepare"):
        eventually(web.healthy, 60)
        assert httpx.get(f"http://127.0.0.1:{port}/v1/jobs").status_code == 401
        eventually(worker.healthy, 120)
        with Client(f"http://127.0.0.1:{port}", api_key=key) as client:
            job = client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=180)
            assert job.state == "succeeded"
            text = client.transcript(job.id).text
    assert text == (ROOT / "samples/demo.txt").read_text(encoding="utf-8").strip()
