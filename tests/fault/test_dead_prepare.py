"""Fault 2: SIGKILL of a prepare child, and of its parent. The job goes on where its registered windows end."""

from pathlib import Path

import pytest
from redis import Redis

from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.service import BRISK, Service, service
from tests.support.speechlike import wav
from tests.support.victims import Victim, stop_holder
from tests.support.waiting import eventually

SLOW_PREPARE = "tests.fault.fixtures.slow_prepare"


def strike_in_mid_file(running: Service, redis: Redis, outcome: Outcome) -> Victim:
    """A child that has registered windows of a file and has more to cut."""
    running.covered(outcome.submit(wav(140.0)))
    return stop_holder(running, redis, "cpu")


def test_a_child_is_killed(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    with service(settings, tmp_path / "logs", preparers=0, **BRISK) as running:
        prepare = running.start("prepare", SLOW_PREPARE)
        outcome = Outcome(running, calm)
        victim = strike_in_mid_file(running, redis, outcome)
        victim.kill()
        victim.recovered()
        assert outcome.check("lapsed")["lapsed"] == 1
        assert prepare.process.poll() is None  # its parent has replaced it


@pytest.mark.full
def test_the_parent_is_killed(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    """With its children, as its tether would see to."""
    with service(settings, tmp_path / "logs", preparers=0, **BRISK) as running:
        running.start("prepare", SLOW_PREPARE)
        outcome = Outcome(running, calm)
        victim = strike_in_mid_file(running, redis, outcome)
        running.kill("prepare")
        victim.kill()
        running.start("prepare-2", "tingxie", "worker", "prepare")
        victim.recovered()
        outcome.check("lapsed")


@pytest.mark.full
def test_the_parent_alone_is_killed(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    """Where nothing tethers them: the child ends its unit, and then itself."""
    with service(settings, tmp_path / "logs", preparers=0, **BRISK) as running:
        running.start("prepare", SLOW_PREPARE)
        outcome = Outcome(running, calm)
        victim = strike_in_mid_file(running, redis, outcome)
        victim.resume()
        running.kill("prepare")
        running.start("prepare-2", "tingxie", "worker", "prepare")
        outcome.check()
        eventually(lambda: not victim.process.is_running(), 60)
        eventually(lambda: len(running.workers("cpu")) == 1, 60)
