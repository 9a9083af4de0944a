"""A worker that was given another store than the service's says so, and takes nothing."""

from pathlib import Path

import pytest

from jobs.errors import SetupError
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import layout, open_store
from tests.support import ledger as given
from tests.support.shell import tingxie
from worker import own_store
from worker.own_store import open_own_store


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_store, "LOOK_AGAIN_S", 0.01)


def test_an_empty_store_beside_unfinished_jobs_is_another_one(ledger: Ledger, settings: Settings) -> None:
    open_own_store(settings)  # nothing is there yet on either side
    request = given.request()
    ledger.create(request)
    with pytest.raises(SetupError, match="isn't the service's"):
        open_own_store(settings)
    ran = tingxie("worker", "prepare", TINGXIE_REDIS_URL=settings.redis_url, TINGXIE_DATA_DIR=str(settings.data_dir))
    assert (ran.returncode, ran.stderr.count("\n")) == (78, 1), ran.stderr
    open_store(settings.store).write(layout.job_record(request.id), [b"{}"])
    open_own_store(settings)


def test_without_the_ledger_nothing_is_held_against_it(tmp_path: Path) -> None:
    open_own_store(Settings(redis_url="redis://127.0.0.1:1/0", data_dir=tmp_path))
