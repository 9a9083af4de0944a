"""What the sweep removes, and what it leaves alone."""

import os
import time
from pathlib import Path

import pytest

from jobs.errors import StoreUnavailable
from jobs.hold import upload_hold
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from tests.support.ledger import request
from worker.sweep import GRACE_S, Sweep

OLD_S = GRACE_S + 60


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


def put(store: FolderStore, name: str, age_s: float = 0.0) -> str:
    store.write(name, [b"bytes"])
    then = time.time() - age_s
    os.utime(store.root / name, (then, then))
    return name


def put_job(store: FolderStore, job_id: str, age_s: float = 0.0, *, record: bool = True) -> list[str]:
    names = [layout.audio(job_id), layout.window(job_id, 0), layout.window(job_id, 1)]
    return sorted(put(store, name, age_s) for name in [*names, *([layout.job_record(job_id)] if record else [])])


def left(store: FolderStore) -> list[str]:
    return sorted(path.relative_to(store.root).as_posix() for path in store.root.rglob("*") if path.is_file())


def sweep(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    Sweep(ledger, store, settings, lambda: True).sweep()


def test_an_ended_job_loses_its_windows_and_a_running_one_nothing(
    ledger: Ledger, store: FolderStore, settings: Settings
) -> None:
    ledger.create(request("ended"))
    ledger.cancel("ended")
    ledger.create(request("running"))
    put_job(store, "ended", OLD_S)
    kept = put_job(store, "running", OLD_S)
    sweep(ledger, store, settings)
    assert left(store) == [layout.audio("ended"), layout.job_record("ended"), *kept]


def test_audio_goes_after_its_retention_and_the_transcript_stays(
    ledger: Ledger, store: FolderStore, settings: Settings
) -> None:
    ledger.create(request("job"))
    ledger.cancel("job")
    put_job(store, "job")
    put(store, layout.transcript("job"))
    sweep(ledger, store, settings.model_copy(update={"audio_retention_s": 1e-3}))
    assert left(store) == [layout.job_record("job"), layout.transcript("job")]


def test_a_job_past_its_retention_goes_whole(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    for job_id, retention_s in (("over", 1e-6), ("kept", 1000.0), ("for-ever", None)):
        ledger.create(request(job_id, retention_s=retention_s))
        put_job(store, job_id)
        put(store, layout.transcript(job_id))
    sweep(ledger, store, settings)
    assert ledger.known(["over"])  # it has not ended
    for job_id in ("over", "kept", "for-ever"):
        ledger.cancel(job_id)
    sweep(ledger, store, settings)
    assert ledger.known(["over", "kept", "for-ever"]) == {"kept", "for-ever"}
    assert {name.split("/")[1] for name in left(store)} == {"kept", "for-ever"}
    assert layout.transcript("kept") in left(store)


def test_an_expiry_that_ended_in_mid_way_goes_on(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    class Away(FolderStore):
        def delete_all(self, prefix: str) -> int:
            raise StoreUnavailable(prefix)

    ledger.create(request("over", retention_s=1e-6))
    ledger.create(request("next", retention_s=1e-6))
    for job_id in ("over", "next"):
        put_job(store, job_id, OLD_S)
        ledger.cancel(job_id)
    with pytest.raises(StoreUnavailable):
        sweep(ledger, Away(store.root), settings)
    assert len(ledger.known(["over", "next"])) == 1
    sweep(ledger, store, settings)
    assert left(store) == []


def test_a_deleted_job_leaves_nothing_and_an_upload_is_left_alone(
    ledger: Ledger, store: FolderStore, settings: Settings
) -> None:
    put_job(store, "deleted", OLD_S, record=False)
    kept = put_job(store, "arriving", record=False)
    sweep(ledger, store, settings)
    assert left(store) == kept


def test_jobs_that_redis_has_lost_are_kept_for_recover(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    kept = put_job(store, "lost", OLD_S)
    sweep(ledger, store, settings)
    assert left(store) == kept


def test_what_never_became_whole_goes_in_time(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    ledger.create(request("job"))
    kept = [put(store, "jobs/job/audio.1234.part")]
    put(store, "jobs/job/audio.5678.part", OLD_S)
    put(store, "probe/1234", OLD_S)
    sweep(ledger, store, settings)
    assert left(store) == kept


def test_uploads_go_when_nothing_was_added_for_long(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    expired_s = settings.upload_expiry_s + 60
    put(store, layout.upload_record("idle"), expired_s)
    put(store, layout.upload_part("idle", 0, "writer"), expired_s)
    kept = [
        put(store, layout.upload_record("busy"), expired_s),
        put(store, layout.upload_part("fresh", 0, "writer"), expired_s),
        put(store, layout.upload_part("fresh", 5, "writer")),
        put(store, layout.upload_record("fresh"), expired_s),
    ]
    with upload_hold(ledger, "busy"):
        sweep(ledger, store, settings)
        assert left(store) == kept
    sweep(ledger, store, settings)
    assert left(store) == kept[1:]


def test_half_batches_go_in_time(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    put(store, layout.batch_items("old"), OLD_S)
    kept = [
        put(store, layout.batch_items("new")),
        put(store, layout.batch_record("whole"), OLD_S),
        put(store, layout.batch_items("whole"), OLD_S),
    ]
    sweep(ledger, store, settings)
    assert left(store) == sorted(kept)


def test_only_one_process_sweeps(ledger: Ledger, store: FolderStore, settings: Settings) -> None:
    kept = put_job(store, "deleted", OLD_S, record=False)
    Sweep(ledger, store, settings, lambda: False).sweep()
    assert left(store) == kept
