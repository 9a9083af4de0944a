"""Fault 14: a job is cancelled in each of its states, while something about it is under way."""

import random
from pathlib import Path

import pytest
from redis import Redis

from jobs.job import State
from jobs.ledger import keys
from jobs.settings import Settings
from tests.fault.fixtures import gated_cpu, gated_forward
from tests.fault.fixtures.gate import Gates
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually


def cancel(running: Service, job_id: str) -> None:
    """Cancelled at once, and nothing of it is left to claim."""
    assert running.ledger.cancel(job_id).state is State.CANCELLED
    assert running.ledger.demand().models[0].claimable_windows == 0


def test_at_every_state(settings: Settings, redis: Redis, calm: Calm, tmp_path: Path) -> None:
    gates = Gates(tmp_path / "gates")
    with service(
        settings,
        tmp_path / "logs",
        preparers=0,
        transcribe=gated_forward.__name__,
        environment=gates.environment,
        **BRISK,
    ) as running:
        outcome = Outcome(running, calm)
        ended = [outcome.submit(wav(20.0))]
        cancel(running, ended[0])  # queued
        running.start("prepare", gated_cpu.__name__)
        for step in (gated_cpu.REGISTER, gated_forward.STEP, gated_cpu.FINISH):
            gates.close(step)
            job_id = outcome.submit(wav(50.0, seed=len(ended)))
            eventually(lambda step=step: gates.somebody_waits(step), 60)
            cancel(running, job_id)
            ended.append(job_id)
            gates.open(step)
            eventually(lambda step=step: not gates.somebody_waits(step))
        outcome.submit(wav(50.0, seed=9))
        counters = outcome.check("fenced", cancelled=ended)
        assert counters["lapsed"] == 0
        log = running.processes["prepare"].log
        assert log.count("prepare.refused") >= 1
        assert log.count("finish.refused") == 1
        for job_id in ended:
            assert not redis.exists(keys.key("results", job=job_id))


@pytest.mark.full
def test_at_random_moments(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    """Whichever comes first, the end or the cancel, stays."""
    chance = random.Random(1)
    options = {"dedupe": False, **BRISK}  # each job has work of its own
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.002"}, **options) as running:
        outcome = Outcome(running, calm)
        seen = {}
        for number in range(60):
            job_id = outcome.submit(wav(30.0, seed=number % 6))
            reached = chance.uniform(0.0, 1.2)
            eventually(lambda job_id=job_id, reached=reached: _is_past(running, job_id, reached))
            seen[job_id] = running.ledger.cancel(job_id).state
        assert len(set(seen.values())) == 2, "always the same came first"
        outcome.check(cancelled=[job_id for job_id, state in seen.items() if state is State.CANCELLED])
        assert {job_id: running.job(job_id).state for job_id in seen} == seen


def _is_past(running: Service, job_id: str, progress: float) -> bool:
    job = running.job(job_id)
    return job.state.is_terminal or job.progress >= progress or (progress > 1.0 and job.progress > 0.9)
