"""Fault 16, of the store: it is full, it is away for a while, an object is gone."""

from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.fault.fixtures import full_store, gated_forward
from tests.fault.fixtures.full_store import FULL
from tests.fault.fixtures.gate import Gates
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


@pytest.mark.full
def test_it_is_full(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    full, module = tmp_path / "full", full_store.__name__
    with service(settings, tmp_path / "logs", preparers=0, environment={FULL: str(full)}, **BRISK) as running:
        outcome = Outcome(running, calm)
        running.start_web(module, "web")
        prepare = running.start("prepare", module, "worker", "prepare")
        full.touch()
        refused = httpx.post(f"{running.url}/v1/jobs", content=wav(20.0), timeout=30)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-full")
        assert int(refused.headers["Retry-After"]) >= 30
        assert not running.ledger.jobs("local")[0]
        outcome.submit(wav(60.0))  # by this process, whose store has room
        eventually(lambda: prepare.log.count("unit.given_back") >= 2)
        full.unlink()
        outcome.recovers()
        counters = outcome.check()
        assert counters["lapsed"] == 0
        running.check_alive()


def test_it_is_away_for_a_while(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    """As a disk is that isn't mounted: no job fails for want of its audio, nothing is written elsewhere."""
    with service(settings, tmp_path / "logs", web=True, environment={SLEEP: "0.02"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(160.0)))
        assert isinstance(running.store, FolderStore)
        root = running.store.root
        elsewhere = root.rename(root.with_name("elsewhere"))
        refused = httpx.post(f"{running.url}/v1/jobs", content=wav(20.0, seed=1), timeout=30)
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/store-unavailable")
        eventually(lambda: "store.away" in running.processes["transcribe-1"].log)
        assert not root.exists()
        elsewhere.rename(root)
        outcome.recovers()
        outcome.submit(wav(20.0, seed=1))
        counters = outcome.check()
        assert counters["lapsed"] == 0
        running.check_alive()


def test_a_windows_object_is_gone(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    """It is cut from the audio again."""
    gates = Gates(tmp_path / "gates")
    gates.close(gated_forward.STEP)
    module = gated_forward.__name__
    with service(settings, tmp_path / "logs", transcribe=module, environment=gates.environment, **BRISK) as running:
        outcome = Outcome(running, calm)
        job_id = outcome.submit(wav(400.0))
        eventually(lambda: "prepare.done" in running.processes["prepare"].log)
        last = max(each.name for each in running.store.list(layout.windows(job_id)))
        running.store.delete(last)
        gates.open(gated_forward.STEP)
        outcome.check()
        assert "window.missing" in running.processes["transcribe-1"].log


@pytest.mark.full
def test_the_audio_is_gone(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", preparers=0, **BRISK) as running:
        outcome = Outcome(running, calm)
        gone, other = outcome.submit(wav(20.0)), outcome.submit(wav(20.0, seed=1))
        running.store.delete(layout.audio(gone))
        running.start("prepare", "tingxie", "worker", "prepare")
        outcome.check(failed={gone: "audio-gone"})
        assert running.job(other).error is None
