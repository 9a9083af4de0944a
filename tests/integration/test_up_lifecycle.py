"""`tingxie up` with real processes: ready, repaired, stopped, killed; nothing that it started outlives it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.shell import tingxie
from tests.support.stack import Up
from tests.support.waiting import eventually
from tingxie.client import Client

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"
#: a worker announces itself within a heartbeat; torch takes most of this to load
REPAIR_S = 120.0


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    up = Up.start(tmp_path / "data", "--port", "0")
    yield up
    up.stop()


def _transcript(url: str) -> str:
    with Client(url) as client:
        job = client.wait(client.submit(SAMPLE).id, timeout_s=REPAIR_S)
        assert job.succeeded, job
        return client.transcript_text(job.id).strip()


def test_it_serves_and_mends_itself_and_stops_cleanly(up: Up, tmp_path: Path) -> None:
    url = up.url
    assert "understands only its toy language" in up.stderr()
    assert _transcript(url)

    second = tingxie("up", "--port", 0, "--data", tmp_path / "data")
    assert second.returncode == 1
    assert f"another `tingxie up` (process {up.process.pid})" in second.stderr
    assert "Traceback" not in second.stderr

    for name, words in {"transcribe-1": "worker transcribe", "redis": "redis-server"}.items():
        up.command(words).kill()
        eventually(lambda name=name: f"{name} ended (status 137), restarting" in up.stderr())
        assert _transcript(url)

    family = up.family()
    assert up.stop() == 0
    assert not [one for one in family if one.is_running()]
    assert not up.orphans()


def test_when_it_is_killed_nothing_stays_behind(tmp_path: Path) -> None:
    up = Up.start(tmp_path / "data", "--port", "0")
    assert up.url
    family = up.family()
    assert len(family) >= 8  # Redis, web, prepare and transcribe, each below a tether
    up.process.kill()
    up.process.wait()
    eventually(lambda: not any(one.is_running() for one in family) and not up.orphans(), 40)
