"""What polls predict against what comes true: real workers, simulated devices, five competing jobs, one more midway."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jobs.job import Job, JobOptions
from jobs.settings import Settings
from tests.support.fake_model import SLEEP
from tests.support.service import Service, service
from tests.support.speechlike import wav
from tests.support.waiting import eventually

#: a window of 5 s takes 0.1 s, so that each of two workers does some 50 times real time
DEVICE = {SLEEP: "0.02"}
BRISK = {"window_s": 5.0, "batch_compute_s": 0.3, "heartbeat_s": 0.5, "reconcile_s": 0.5}
EVERY_S = 0.2
#: what is promised, and of the last moments of a job: a batch, the finish and a poll
SHARE, LAST_S = 0.25, 0.6


@dataclass(frozen=True)
class Asked:
    audio_s: float
    owner: str = "x"
    priority: str = "normal"


@dataclass
class Watched:
    """One job, and what its polls said: (time, eta_s), from the tenth part of it on."""

    job_id: str
    seen: list[tuple[float, float]] = field(default_factory=list)
    ended_at: float | None = None

    def look(self, job: Job) -> None:
        now = time.monotonic()
        if self.ended_at is None and job.state.is_terminal:
            self.ended_at = now
        elif self.ended_at is None and job.progress >= 0.1:
            assert job.eta_s is not None
            self.seen.append((now, job.eta_s))

    def errors(self, since: float, last_s: float) -> list[float]:
        """Of each prediction, in parts of the true time; what `last_s` explains isn't held against it."""
        assert self.ended_at is not None
        true = [(eta_s, self.ended_at - at) for at, eta_s in self.seen if at >= since]
        return [max(0.0, abs(eta_s - left_s) - last_s) / left_s for eta_s, left_s in true]


def submit(running: Service, asked: Asked, seed: int) -> Watched:
    taker = running.submissions
    job_id = taker.begin()
    stored = taker.receive(job_id, [wav(asked.audio_s, seed)])
    options = JobOptions.model_validate({"priority": asked.priority})
    taker.accept(job_id, stored, filename="a.wav", options=options, owner=asked.owner)
    return Watched(job_id)


def watch(running: Service, first: list[Asked], late: Asked, within_s: float) -> tuple[list[Watched], float]:
    """All jobs, and when the late one came: when the first was half done."""
    watched = [submit(running, asked, seed) for seed, asked in enumerate(first)]
    came_at = 0.0

    def all_ended() -> bool:
        nonlocal came_at
        for each in watched:
            each.look(running.job(each.job_id))
        if not came_at and running.job(watched[0].job_id).progress > 0.5:
            watched.append(submit(running, late, len(first)))
            came_at = time.monotonic()
        return bool(came_at) and all(each.ended_at is not None for each in watched)

    eventually(all_ended, within_s, every_s=EVERY_S)
    return watched, came_at


def check(watched: list[Watched], since: float, last_s: float = LAST_S) -> None:
    for each in watched:
        errors = each.errors(since, last_s)
        assert len(errors) > 3
        assert max(errors) < SHARE, (each.job_id, [round(error, 2) for error in errors])


@pytest.mark.full
def test_five_jobs_of_one_owner_and_one_more(settings: Settings, tmp_path: Path) -> None:
    """Also what was predicted before the sixth came is right: it takes a sixth of the workers at most."""
    with service(settings, tmp_path / "logs", transcribers=2, preparers=2, environment=DEVICE, **BRISK) as running:
        watched, _ = watch(running, [Asked(180.0 + 20 * n) for n in range(5)], Asked(120.0), 120.0)
    check(watched, since=0.0)


@pytest.mark.full
def test_of_many_owners_and_priorities(settings: Settings, tmp_path: Path) -> None:
    """Who comes later may halve another's share: nobody can foresee that, but from then on it is known."""
    first = [Asked(250.0, "y"), Asked(300.0), Asked(200.0), Asked(150.0, "z", "high"), Asked(150.0, "z", "low")]
    with service(settings, tmp_path / "logs", transcribers=2, preparers=2, environment=DEVICE, **BRISK) as running:
        watched, came_at = watch(running, first, Asked(100.0, "y"), 120.0)
    check([each for each in watched if each.ended_at and each.ended_at > came_at + 2.0], since=came_at)


@pytest.mark.full
def test_with_default_settings(settings: Settings, tmp_path: Path) -> None:
    """Batches of up to 5 s: in its last moments a job may wait for a turn behind one of the others'."""
    slow: Mapping[str, str] = {SLEEP: "0.05"}
    with service(settings, tmp_path / "logs", transcribers=2, preparers=2, environment=slow) as running:
        watched, _ = watch(running, [Asked(500.0 + 30 * n) for n in range(5)], Asked(300.0), 240.0)
    check(watched, since=0.0, last_s=3.0)
