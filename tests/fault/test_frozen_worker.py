"""Faults 3 and 4: a worker that freezes, with a hint on its way to it, or for longer than its leases last."""

import signal
from pathlib import Path

from redis import Redis

from jobs.broker import CPU_QUEUE
from jobs.settings import Settings
from tests.fault.outcome import Calm, Outcome
from tests.support.fake_model import SLEEP
from tests.support.service import BRISK, service
from tests.support.speechlike import wav
from tests.support.victims import stop_holder
from tests.support.waiting import eventually


def test_a_hint_dies_with_the_worker_that_it_was_handed_to(
    settings: Settings, redis: Redis, calm: Calm, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", **BRISK) as running:
        # Frozen with a pop in flight: Redis hands it the hint, and it dies with it (kombu#305).
        running.kill("prepare", signal.SIGSTOP)
        outcome = Outcome(running, calm)
        outcome.submit(wav(20.0))
        assert redis.llen(CPU_QUEUE) == 0
        running.kill("prepare", signal.SIGKILL)
        running.start("prepare-2", "tingxie", "worker", "prepare")
        outcome.check("hints")


def test_a_worker_that_froze_past_its_lease_is_fenced_off(
    settings: Settings, redis: Redis, calm: Calm, tmp_path: Path
) -> None:
    with service(settings, tmp_path / "logs", transcribers=2, environment={SLEEP: "0.02"}, **BRISK) as running:
        outcome = Outcome(running, calm)
        running.covered(outcome.submit(wav(160.0)))
        zombie = stop_holder(running, redis)
        zombie.recovered()
        outcome.check("lapsed", "redone")
        zombie.resume()
        fenced = eventually(lambda: running.ledger.counters()["fenced"], 30)
        assert fenced <= len(zombie.units)
        outcome.submit(wav(20.0, seed=1))
        outcome.check("fenced")  # and no window was counted twice
        alive = [worker.incarnation for worker in running.workers("transcribe")]
        assert zombie.incarnation in alive  # it works on as before
