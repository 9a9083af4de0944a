"""Fault 19 under `tingxie up`: its Redis loses all data in mid-job. It recovers the ledger by itself."""

import shutil
from pathlib import Path

import pytest

from tests.support.stack import Up
from tests.support.waiting import eventually
from tingxie import Client, SubmitOptions

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"
SAID = "recovered the ledger from the store: "


def delete_redis_data(data: Path) -> None:
    for path in (data / "redis").glob("appendonly*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def test_while_it_runs(tmp_path: Path) -> None:
    data = tmp_path / "data"
    up = Up.start(data, "--port", "0")
    with Client(up.url) as client:
        done = client.wait(client.submit(SAMPLE).id, timeout_s=120)
        assert done.succeeded
        up.command("worker transcribe").suspend()
        other = SubmitOptions(language="zh")  # nothing to share with the first
        waiting = client.submit(SAMPLE, options=other)
        redis = up.command("redis-server")
        delete_redis_data(data)
        redis.kill()
        eventually(lambda: f"{SAID}1 restored, 1 entered" in up.stderr(), 60)
        up.command("worker transcribe").resume()
        assert client.wait(waiting.id, timeout_s=120).succeeded
        assert client.transcript_text(waiting.id) == client.transcript_text(done.id)
    assert up.stop() == 0


@pytest.mark.full
def test_at_its_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = Up.start(data, "--port", "0")
    with Client(first.url) as client:
        done = client.wait(client.submit(SAMPLE).id, timeout_s=120)
        text = client.transcript_text(done.id)
    assert first.stop() == 0
    assert SAID not in first.stderr()
    delete_redis_data(data)
    second = Up.start(data, "--port", "0")
    try:
        with Client(second.url) as client:
            eventually(lambda: f"{SAID}1 restored, 0 entered" in second.stderr(), 60)
            assert client.transcript_text(done.id) == text
    finally:
        second.stop()
