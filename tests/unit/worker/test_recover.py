"""What `tingxie recover` makes of what it finds in the store."""

from pathlib import Path

import pytest

from jobs.errors import JobNotFound
from jobs.job import State
from jobs.ledger import Ledger
from jobs.store import FolderStore, layout
from jobs.transcript import Transcript
from tests.support.ledger import request
from worker.recover_command import Counts, rebuild


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


def put_job(store: FolderStore, job_id: str, *, audio: bool = True, text: str | None = None) -> None:
    store.write(layout.job_record(job_id), [request(job_id).model_dump_json().encode()])
    if audio:
        store.write(layout.audio(job_id), [b"RIFF"])
    if text is not None:
        transcript = Transcript(
            job_id=job_id, model="toy", revision="r1", language=None, duration_s=12.5, text=text, confidence=None,
            segments=[], words=[], chars=None,
        )  # fmt: skip
        store.write(layout.transcript(job_id), [transcript.model_dump_json().encode()])


def test_each_job_is_entered_once(ledger: Ledger, store: FolderStore) -> None:
    put_job(store, "done", audio=False, text="好")
    put_job(store, "waiting")
    put_job(store, "hopeless", audio=False)
    assert rebuild(ledger, store) == Counts(restored=1, entered=1, known=0, skipped=1)
    assert rebuild(ledger, store) == Counts(restored=0, entered=0, known=2, skipped=1)
    done = ledger.job("done")
    assert (done.state, done.duration_s, done.covered_s) == (State.SUCCEEDED, 12.5, 12.5)
    assert ledger.job("waiting").state is State.QUEUED
    with pytest.raises(JobNotFound):
        ledger.job("hopeless")


def test_what_can_not_be_read_is_left_out(ledger: Ledger, store: FolderStore) -> None:
    store.write(layout.job_record("broken"), [b"{"])
    put_job(store, "half")
    store.write(layout.transcript("half"), [b'{"job_id": "ha'])
    assert rebuild(ledger, store) == Counts(restored=0, entered=1, known=0, skipped=1)
