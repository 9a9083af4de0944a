"""`tingxie worker check`, the health check of a worker's container."""

import platform

from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.support import ledger as given
from tests.support.shell import tingxie


def test_a_worker_of_this_machine_is_alive(ledger: Ledger, settings: Settings) -> None:
    ledger.beat(given.worker("elsewhere"))
    missed = tingxie("worker", "check", TINGXIE_REDIS_URL=settings.redis_url)
    assert (missed.returncode, "no worker of" in missed.stdout) == (1, True)
    ledger.beat(given.worker("cpu-1", "cpu", host=platform.node()))
    found = tingxie("worker", "check", TINGXIE_REDIS_URL=settings.redis_url)
    assert (found.returncode, found.stdout) == (0, "cpu-1\n")
    assert tingxie("worker", "check", TINGXIE_REDIS_URL="redis://127.0.0.1:1/0").returncode == 1
