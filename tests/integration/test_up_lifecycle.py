"""`tingxie up` with real processes: ready, repaired, stopped, killed; nothing that it started outlives it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import tingxie
from tests.support.stack import Up
from tests.support.waiting import eventually
from tingxie.client import Client

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"
REFERENCE = SAMPLE.with_suffix(".txt").read_text(encoding="utf-8").strip()
#: a worker announces itself within a heartbeat; torch takes most of this to load
REPAIR_S = 120.0


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up.start(tmp_path / "data", "--port", "0")
    yield up
    up.stop()
    eventually(lambda: not up.descendants(), 30)


def _transcript(url: str) -> str:
    with Client(url) as client:
        job = client.wait(client.submit(SAMPLE).id, timeout_s=REPAIR_S)
        assert job.succeeded, job
        return client.transcript(job.id).strip()


def test_it_serves_and_mends_itself_and_stops_cleanly(up: Up, tmp_path: Path) -> None:
    url = up.url
    assert "understands only its toy language" in up.stderr()
    assert _transcript(url)

    second = tingxie("up", "--port", 0, "--data", tmp_path / "data")
    assert second.returncode == 1
    assert f"another `tingxie up` (process {up.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr

    # the command itself, not the tether above it
    victim = next(one for one in up.descendants("worker transcribe") if "tether" not in " ".join(one.cmdline()))
    victim.kill()
    eventually(lambda: "transcribe-1 ended (status 137), restarting" in up.stderr())
    assert _transcript(url)

    next(one for one in up.descendants("redis-server") if "tether" not in " ".join(one.cmdline())).kill()
    eventually(lambda: "redis ended (status 137), restarting" in up.stderr())
    assert _transcript(url)

    assert up.stop() == 0
    eventually(lambda: not up.descendants(), 5)


def test_when_it_is_killed_nothing_stays_behind(tmp_path: Path) -> None:
    up = Up.start(tmp_path / "data", "--port", "0")
    assert up.url
    assert len(up.descendants()) >= 4  # Redis, web, prepare, transcribe
    up.process.kill()
    up.process.wait()
    eventually(lambda: not up.descendants(), 40)
