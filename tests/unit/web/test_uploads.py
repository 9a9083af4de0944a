"""Uploads below HTTP: whose they are, and the job of one that was interrupted while it was made."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from jobs.broker import Hinter
from jobs.containers import HEAD_BYTES
from jobs.errors import LedgerUnavailable, StoreUnavailable, UploadNotFound, UploadOffsetMismatch
from jobs.hold import upload_hold
from jobs.job import JobOptions, JobRequest
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from jobs.submission import Submissions
from jobs.upload import Upload
from jobs.uploads import Uploads
from tests.support.waiting import eventually

AUDIO = b"RIFF" + bytes(3 * HEAD_BYTES)


class FailingStore(FolderStore):
    """Refuses to write objects whose names end so."""

    refused = "nothing"

    def write(self, name: str, chunks: object, *, sync: bool = False) -> int:
        if name.endswith(self.refused):
            raise StoreUnavailable
        return super().write(name, chunks, sync=sync)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> FailingStore:
    store = FailingStore.open(str(tmp_path / "store"))
    assert isinstance(store, FailingStore)
    return store


@pytest.fixture
def uploads(settings: Settings, ledger: Ledger, folder: FailingStore, hinter: Hinter) -> Uploads:
    return Uploads(settings, ledger, folder, Submissions(settings, ledger, folder, hinter))


def begun(uploads: Uploads, owner: str = "ann") -> Upload:
    return uploads.create(
        owner, len(AUDIO), filename="a.wav", metadata="", options=JobOptions(priority="low"), submit=True
    )


def complete(uploads: Uploads) -> Upload:
    upload = begun(uploads)
    with upload_hold(uploads.ledger, upload.id) as hold:
        uploads.append(hold, uploads.find(upload.id, "ann"), 0, [AUDIO])
    return upload


def made(uploads: Uploads, upload: Upload) -> JobRequest:
    with upload_hold(uploads.ledger, upload.id) as hold:
        return uploads.make_job(hold, uploads.find(upload.id, "ann"))


def test_anothers_upload_is_unknown(uploads: Uploads) -> None:
    upload = begun(uploads)
    for strange in (("bob", upload.id), ("ann", "0" * 32), ("ann", "../x")):
        with pytest.raises(UploadNotFound):
            uploads.find(strange[1], strange[0])
    assert uploads.find(upload.id, "ann").upload == upload


@pytest.mark.parametrize("refused", ["/audio", "/job.json"])
def test_a_job_that_could_not_be_made_is_made_later(uploads: Uploads, folder: FailingStore, refused: str) -> None:
    upload = complete(uploads)
    folder.refused = refused
    with pytest.raises(StoreUnavailable):
        made(uploads, upload)
    assert uploads.find(upload.id, "ann").is_complete
    folder.refused = "nothing"
    request = made(uploads, upload)
    assert (request.owner, request.priority, request.filename) == ("ann", "low", "a.wav")
    assert made(uploads, upload) == request
    assert [each.name for each in folder.list("incoming/")] == [layout.upload_record(upload.id)]


def test_a_job_that_the_ledger_may_not_have_taken_is_the_same_again(
    uploads: Uploads, settings: Settings, folder: FailingStore
) -> None:
    class ReplyLost(Ledger):
        def create(self, request: JobRequest, **_: object) -> NoReturn:
            raise LedgerUnavailable(request.id)

    upload = complete(uploads)
    flaky = ReplyLost.connect(settings)
    with pytest.raises(LedgerUnavailable):
        made(Uploads(settings, flaky, folder, Submissions(settings, flaky, folder, uploads.submissions.hinter)), upload)
    flaky.close()
    request = made(uploads, upload)
    assert uploads.ledger.job(request.id).state == "queued"
    assert len([each for each in folder.list("jobs/") if each.name.endswith("/job.json")]) == 1


def test_the_job_of_an_upload_whose_last_request_died_is_made(uploads: Uploads, folder: FailingStore) -> None:
    upload, unfinished = complete(uploads), begun(uploads)
    with upload_hold(uploads.ledger, upload.id):
        uploads.make_forgotten_jobs()
        assert not uploads.find(upload.id, "ann").upload.is_job
    uploads.make_forgotten_jobs()
    uploads.make_forgotten_jobs()
    assert uploads.find(upload.id, "ann").upload.is_job
    assert not uploads.find(unfinished.id, "ann").upload.is_job
    assert len([each for each in folder.list("jobs/") if each.name.endswith("/job.json")]) == 1


def test_a_whole_file_in_one_request_is_not_copied(
    uploads: Uploads, folder: FailingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.uploads.PART_BYTES", 100)
    monkeypatch.setattr(folder, "chunks", None)
    upload = begun(uploads)
    with upload_hold(uploads.ledger, upload.id) as hold:
        arrived = uploads.find(upload.id, "ann")
        pieces = [AUDIO[at : at + 30] for at in range(0, len(AUDIO), 30)]
        arrived = uploads.add(hold, arrived, 0, pieces, announced=len(AUDIO))
    assert arrived.upload.is_job
    request = JobRequest.read(folder.read(layout.job_record(arrived.upload.job_id)))
    assert folder.read(layout.audio(request.id)) == AUDIO
    assert (request.sha256, request.size_bytes) == (hashlib.sha256(AUDIO).hexdigest(), len(AUDIO))
    assert [each.name for each in folder.list("incoming/")] == [layout.upload_record(upload.id)]


def test_of_one_that_breaks_off_the_parts_stay_and_no_audio(
    uploads: Uploads, folder: FailingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking() -> Iterator[bytes]:
        yield AUDIO[: 2 * HEAD_BYTES]
        assert eventually(lambda: list(folder.root.glob("jobs/*/audio.*.part")))
        yield AUDIO[2 * HEAD_BYTES : -600]
        raise UploadOffsetMismatch("the connection broke")

    monkeypatch.setattr("jobs.uploads.PART_BYTES", 100)
    upload = begun(uploads)
    with upload_hold(uploads.ledger, upload.id) as hold:
        with pytest.raises(UploadOffsetMismatch):
            uploads.add(hold, uploads.find(upload.id, "ann"), 0, breaking(), announced=len(AUDIO))
        arrived = uploads.find(upload.id, "ann")
        assert (arrived.offset, list(folder.list("jobs/"))) == (len(AUDIO) - 600, [])
        assert uploads.add(hold, arrived, arrived.offset, [AUDIO[-600:]], announced=600).upload.is_job


def test_where_the_audio_cannot_be_stored_the_upload_stays(
    uploads: Uploads, folder: FailingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.uploads.PART_BYTES", 100)
    folder.refused = "/audio"
    upload = begun(uploads)
    with upload_hold(uploads.ledger, upload.id) as hold, pytest.raises(StoreUnavailable):
        uploads.add(hold, uploads.find(upload.id, "ann"), 0, [AUDIO], announced=len(AUDIO))
    assert uploads.find(upload.id, "ann").is_complete
    folder.refused = "nothing"
    assert folder.read(layout.audio(made(uploads, upload).id)) == AUDIO


def test_overlapping_parts_of_two_writers_make_one_upload(uploads: Uploads, folder: FailingStore) -> None:
    upload = begun(uploads)
    folder.write(layout.upload_part(upload.id, 0, "old"), [AUDIO[:600]])
    folder.write(layout.upload_part(upload.id, 0, "new"), [AUDIO[:400]])
    folder.write(layout.upload_part(upload.id, 400, "new"), [AUDIO[400:]])
    folder.write(layout.upload_part(upload.id, 500, "old.1234.part"), [b"not whole"])
    request = made(uploads, upload)
    assert folder.read(layout.audio(request.id)) == AUDIO
