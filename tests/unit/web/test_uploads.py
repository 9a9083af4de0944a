"""Uploads below HTTP: whose they are, and the job of one that was interrupted while it was made."""

from pathlib import Path
from typing import NoReturn

import pytest

from jobs.broker import Hinter
from jobs.errors import LedgerUnavailable, StoreUnavailable, UploadNotFound
from jobs.hold import upload_hold
from jobs.job import JobOptions, JobRequest
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from jobs.submission import Submissions
from jobs.upload import Upload
from jobs.uploads import Uploads

AUDIO = b"RIFF" + bytes(1000)


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


def test_overlapping_parts_of_two_writers_make_one_upload(uploads: Uploads, folder: FailingStore) -> None:
    upload = begun(uploads)
    folder.write(layout.upload_part(upload.id, 0, "old"), [AUDIO[:600]])
    folder.write(layout.upload_part(upload.id, 0, "new"), [AUDIO[:400]])
    folder.write(layout.upload_part(upload.id, 400, "new"), [AUDIO[400:]])
    folder.write(layout.upload_part(upload.id, 500, "old.1234.part"), [b"not whole"])
    request = made(uploads, upload)
    assert folder.read(layout.audio(request.id)) == AUDIO
