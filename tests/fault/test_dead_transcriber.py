"""Fault 1: SIGKILL of transcribe workers in mid-batch. What they had in hand is redone, and nothing else."""

from pathlib import Path

import pytest
from redis import Redis

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.victims import RECOVERY_S, stop_holder


def test_one_is_killed(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.02"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(160.0)))
        victim = stop_holder(running, redis)
        victim.kill()
        victim.recovered(RECOVERY_S / 2)  # leases here are a third as long
        counters = outcome.check("lapsed", "redone")
        assert counters["lapsed"] == len(victim.units)
        assert counters["redone"] <= len(victim.units)


@pytest.mark.full
def test_one_is_killed_with_default_settings(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.05"}) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(400.0)), 20.0)
        victim = stop_holder(running, redis)
        victim.kill()
        victim.recovered()
        counters = outcome.check("lapsed", "redone")
        assert counters["lapsed"] == len(victim.units)
        assert counters["redone"] <= len(victim.units)


@pytest.mark.full
@pytest.mark.parametrize("pace", [pytest.param(BRISK, id="brisk"), pytest.param({}, id="default")])
def test_all_are_killed_at_once(
    pace: dict[str, float], settings: Settings, redis: Redis, calm: Calm, tmp_path: Path
) -> None:
    """No worker is left who could take their units back: the front end does."""
    slow = {SLEEP: "0.03"}
    with service(settings, tmp_path / "logs", web=True, transcribers=2, environment=slow, **pace) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(160.0)))
        victims = [stop_holder(running, redis), stop_holder(running, redis)]
        running.kill("prepare")
        for victim in victims:
            victim.kill()
        for victim in victims:
            victim.recovered(RECOVERY_S if not pace else RECOVERY_S / 2)
        running.start("prepare-2", "tingxie", "worker", "prepare")
        running.start("transcribe-3", "tests.support.fake_model", **{SLEEP: "0"})
        outcome.check("lapsed", "redone")
