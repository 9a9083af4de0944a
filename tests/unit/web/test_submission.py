"""What a submission leaves behind when something breaks on the way: everything it promised, or nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.broker import Hinter, make_celery
from jobs.errors import LedgerUnavailable, StoreUnavailable, TooMuchQueued, UploadTooLarge
from jobs.job import JobOptions, JobRequest
from jobs.ledger import Caps, Entered, Ledger
from jobs.settings import Settings
from jobs.store import FolderStore, layout
from jobs.submission import Accepted, Submissions, clean_filename

AUDIO = b"RIFF" + bytes(1000)


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


@pytest.fixture
def submissions(settings: Settings, ledger: Ledger, folder: FolderStore, hinter: Hinter) -> Submissions:
    return Submissions(settings, ledger, folder, hinter)


def submitted(submissions: Submissions) -> Accepted:
    job_id = submissions.begin()
    stored = submissions.receive(job_id, [AUDIO])
    return submissions.accept(job_id, stored, filename="a.wav", options=JobOptions(), owner="local")


def names(folder: FolderStore) -> list[str]:
    return sorted(found.name for found in folder.list("jobs/"))


def test_an_accepted_job_is_stored_entered_and_hinted(
    submissions: Submissions, ledger: Ledger, folder: FolderStore
) -> None:
    request = submitted(submissions)
    written = JobRequest.model_validate_json(folder.read(layout.job_record(request.id)))
    assert Accepted(**written.model_dump(), deduplicated_from=None) == request
    assert folder.read(layout.audio(request.id)) == AUDIO
    assert ledger.job(request.id).state == "queued"
    assert submissions.hinter.waiting("tingxie.cpu") == 1


@pytest.mark.parametrize(
    ("servers", "asked", "kept"),
    [(0.0, None, None), (0.0, 9.0, 9.0), (5.0, None, 5.0), (5.0, 9.0, 5.0), (9.0, 5.0, 5.0)],
)
def test_a_job_is_kept_no_longer_than_the_server_keeps_any(
    settings: Settings, submissions: Submissions, servers: float, asked: float | None, kept: float | None
) -> None:
    strict = settings.model_copy(update={"retention_s": servers})
    taker = Submissions(strict, submissions.ledger, submissions.store, submissions.hinter)
    stored = taker.receive("job", [AUDIO])
    options = JobOptions(retention_s=asked)
    assert taker.accept("job", stored, filename="a", options=options, owner="local").retention_s == kept


@pytest.mark.parametrize(
    ("servers", "asked", "pinned"),
    [
        (False, None, (False, 0.0, 0.0)),
        (False, True, (True, 3.0, 0.4)),
        (True, False, (False, 0.0, 0.0)),
        (True, None, (True, 3.0, 0.4)),
    ],
)
def test_a_job_pins_what_it_leaves_out(
    settings: Settings,
    submissions: Submissions,
    *,
    servers: bool,
    asked: bool | None,
    pinned: tuple[bool, float, float],
) -> None:
    own = settings.model_copy(update={"skip_silence": servers, "silence_s": 3.0, "silence_margin_s": 0.4})
    taker = Submissions(own, submissions.ledger, submissions.store, submissions.hinter)
    stored = taker.receive("job", [AUDIO])
    request = taker.accept("job", stored, filename="a", options=JobOptions(skip_silence=asked), owner="local")
    assert (request.skip_silence, request.silence_s, request.silence_margin_s) == pinned


def test_jobs_that_leave_silence_out_share_no_work_with_others(submissions: Submissions) -> None:
    requests = []
    for number, asked in enumerate([False, True, True, None]):
        stored = submissions.receive(f"job{number}", [AUDIO])
        options = JobOptions(skip_silence=asked)
        requests.append(submissions.accept(f"job{number}", stored, filename="a", options=options, owner="local"))
    assert [request.deduplicated_from for request in requests] == [None, None, "job1", "job0"]


def test_a_lost_hint_is_no_error(settings: Settings, ledger: Ledger, folder: FolderStore) -> None:
    nowhere = Settings(redis_url="redis://127.0.0.1:1/0", data_dir=settings.data_dir)
    request = submitted(Submissions(settings, ledger, folder, Hinter(make_celery(nowhere))))
    assert ledger.job(request.id).state == "queued"


def test_an_ambiguous_reply_keeps_the_upload(settings: Settings, submissions: Submissions, folder: FolderStore) -> None:
    class ReplyLost(Ledger):
        def create(self, request: JobRequest, *, caps: Caps | None = None) -> Entered:
            super().create(request, caps=caps)
            raise LedgerUnavailable

    flaky = ReplyLost.connect(settings)
    unlucky = Submissions(settings, flaky, folder, submissions.hinter)
    with pytest.raises(LedgerUnavailable):
        submitted(unlucky)
    flaky.close()
    [audio, record] = names(folder)
    request = JobRequest.model_validate_json(folder.read(record))
    assert audio == layout.audio(request.id)


def test_too_much_of_an_owners_audio_leaves_nothing(
    settings: Settings, submissions: Submissions, folder: FolderStore
) -> None:
    submitted(submissions)
    before = names(folder)
    for caps in (Caps(queued_s=0.01), Caps(queued_s=0.05)):  # the audio counts for 0.03 s
        job_id = submissions.begin("local", Caps())
        stored = submissions.receive(job_id, [AUDIO, b"another"])
        with pytest.raises(TooMuchQueued):
            submissions.accept(job_id, stored, filename="a", options=JobOptions(), owner="local", caps=caps)
        assert names(folder) == before
    with pytest.raises(TooMuchQueued):
        submissions.begin("local", Caps(queued_s=0.03))
    submissions.begin("another", Caps(queued_s=0.03))


def test_redis_gone_before_the_job_was_written_leaves_nothing(
    settings: Settings, submissions: Submissions, folder: FolderStore
) -> None:
    job_id = submissions.begin()
    stored = submissions.receive(job_id, [AUDIO])
    nowhere = Settings(redis_url="redis://127.0.0.1:1/0", data_dir=settings.data_dir)
    away = Ledger.connect(nowhere)
    with pytest.raises(LedgerUnavailable):
        Submissions(settings, away, folder, submissions.hinter).accept(
            job_id, stored, filename="a", options=JobOptions(), owner="local"
        )
    away.close()
    assert names(folder) == []


def test_an_unwritable_record_leaves_nothing(submissions: Submissions, folder: FolderStore) -> None:
    class Full(FolderStore):
        def write(self, name: str, chunks: object, *, sync: bool = False) -> int:
            if name.endswith("job.json"):
                raise StoreUnavailable
            return super().write(name, chunks, sync=sync)  # type: ignore[arg-type]

    full = Full(folder.root)
    with pytest.raises(StoreUnavailable):
        submitted(Submissions(submissions.settings, submissions.ledger, full, submissions.hinter))
    assert names(folder) == []
    assert not list((folder.root / "jobs").iterdir())


def test_the_limit_is_kept_while_streaming(settings: Settings, submissions: Submissions, folder: FolderStore) -> None:
    taken: list[int] = []

    def endless() -> Iterator[bytes]:
        yield AUDIO
        while True:
            taken.append(1)
            yield bytes(1000)

    limited = settings.model_copy(update={"max_upload_bytes": 10_000})
    with pytest.raises(UploadTooLarge):
        Submissions(limited, submissions.ledger, folder, submissions.hinter).receive("j", endless())
    assert len(taken) < 20
    assert names(folder) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("talk.wav", "talk.wav"),
        ("C:\\files\\说话.wav", "说话.wav"),
        ("../../etc/passwd", "passwd"),
        ("a\r\nSet-Cookie: b\x00\u202e.wav", "aSet-Cookie: b.wav"),
        ("", "audio"),
        (" / ", "audio"),
        ("\ud800", "audio"),
        ("x" * 300, "x" * 255),
    ],
)
def test_filenames(given: str, kept: str) -> None:
    assert clean_filename(given) == kept
