"""Fault 9: the front end dies in mid-upload, and between store, record and hint. What wasn't answered is repeatable."""

from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from jobs.store import layout
from tests.fault.fixtures import killed_in_submission
from tests.fault.fixtures.killed_in_submission import POINT_FILE
from tests.fault.outcome import Calm, Outcome
from tests.support.service import BRISK, Service, service
from tests.support.shell import tingxie
from tests.support.speechlike import wav

#: point → what it leaves in the store of a job that the ledger doesn't know
LEFT = {"upload": ["a part"], "stored": ["audio"], "recorded": ["audio", "job.json"], "entered": []}


def unknown(running: Service) -> list[str]:
    """The names of objects whose job isn't in the ledger."""
    found = [each.name for each in running.store.list("jobs/")]
    known = running.ledger.known({name.split("/")[1] for name in found})
    return sorted(name for name in found if name.split("/")[1] not in known)


def submit_and_die(running: Service, point: Path, name: str, audio: bytes) -> None:
    running.start_web(killed_in_submission.__name__)
    point.write_text(name)
    with pytest.raises(httpx.TransportError):
        httpx.post(f"{running.url}/v1/jobs", content=audio)
    running.processes.pop("web").wait()
    assert not point.exists()
    left = ["a part" if each.endswith(".part") else each.split("/")[-1] for each in unknown(running)]
    assert sorted(left) == LEFT[name]


def test_it_dies_in_a_submission(settings: Settings, calm: Calm, tmp_path: Path) -> None:
    point = tmp_path / "point"
    with service(settings, tmp_path / "logs", environment={POINT_FILE: str(point)}, **BRISK) as running:
        outcome = Outcome(running, calm)
        for seed, name in enumerate(LEFT):
            submit_and_die(running, point, name, wav(20.0, seed))
            if name == "recorded":  # it was not answered, yet it isn't lost either
                where = {"TINGXIE_REDIS_URL": settings.redis_url, "TINGXIE_DATA_DIR": str(settings.data_dir)}
                assert tingxie("recover", **where).stdout.startswith("0 restored, 1 entered")
            for each in unknown(running):  # as the sweep does after an hour
                running.store.delete(each)
            for job in running.ledger.jobs("local")[0]:
                outcome.jobs.setdefault(job.id, wav(20.0, seed))
        assert len(outcome.jobs) == 2  # recorded and entered
        running.start_web()
        again = httpx.post(f"{running.url}/v1/jobs", content=wav(20.0, 9))
        assert again.status_code == 202
        outcome.add(again.json()["id"], wav(20.0, 9))
        outcome.check("hints")
        kept = {each.name.split("/")[1] for each in running.store.list("jobs/")}
        assert kept == {layout.job_folder(job_id).split("/")[1] for job_id in outcome.jobs}
