"""The store in a bucket: what it does when the service has a bad day, and what it costs this machine."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.errors import ObjectMissing, SetupError, StoreFull, StoreRefused, StoreUnavailable
from jobs.store import open_store, s3
from jobs.store.s3 import BucketStore
from tests.support.faulty_s3 import DENIED, FULL, SLOW_DOWN, FaultyS3, Said
from tests.support.s3 import at_endpoint, s3_service

MIB = 1 << 20
AUDIO = "jobs/1/audio"
LARGE = [bytes([number]) * MIB for number in range(13)]


@pytest.fixture(autouse=True)
def own_copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def service() -> Iterator[FaultyS3]:
    with FaultyS3(s3_service().endpoint) as faulty, at_endpoint(faulty.endpoint):
        yield faulty


@pytest.fixture
def store(service: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> BucketStore:
    monkeypatch.setattr(s3, "RETRIES", 3)
    return BucketStore.open(s3_service().url())


def test_a_busy_service_is_asked_again(store: BucketStore, service: FaultyS3) -> None:
    service.times(2, SLOW_DOWN)
    store.write(AUDIO, [b"bytes"])
    service.times(2, SLOW_DOWN)
    assert store.read(AUDIO) == b"bytes"
    service.times(2, SLOW_DOWN)
    assert [each.name for each in store.list("jobs/")] == [AUDIO]
    service.times(2, SLOW_DOWN)
    store.copy(AUDIO, "jobs/2/audio")
    service.times(2, SLOW_DOWN)
    assert store.delete_all("jobs/") == 2


def test_also_in_the_middle_of_an_upload(store: BucketStore, service: FaultyS3) -> None:
    def chunks() -> Iterator[bytes]:
        for number, chunk in enumerate(LARGE):
            if number == 8:
                service.times(2, SLOW_DOWN, "PUT")
            yield chunk

    store.write(AUDIO, chunks())
    assert store.read(AUDIO) == b"".join(LARGE)
    assert service.count("PUT", "partNumber=") > 3


@pytest.mark.parametrize(("said", "kind"), [(SLOW_DOWN, StoreUnavailable), (FULL, StoreFull), (DENIED, StoreRefused)])
def test_one_that_stays_so_is_told_of(said: Said, kind: type[Exception], store: BucketStore, service: FaultyS3) -> None:
    service.always(said)
    for call in (
        lambda: store.write(AUDIO, [b"bytes"]),
        lambda: store.read(AUDIO),
        lambda: store.exists(AUDIO),
        lambda: list(store.list("")),
    ):
        with pytest.raises(StoreUnavailable) as told:
            call()
        if call.__code__.co_names[0] != "exists":  # an answer to HEAD says no more than its status
            assert type(told.value) is kind
            assert service.endpoint not in told.value.detail


def test_nobody_there(store: BucketStore) -> None:
    with at_endpoint("http://127.0.0.1:1"):
        away = BucketStore.open("s3://bucket")
    with pytest.raises(StoreUnavailable, match="refused"):
        away.check()


def test_nobody_who_answers(service: FaultyS3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "HASTY_S", 0.3)
    service.before = lambda: time.sleep(3.0)
    with pytest.raises(StoreUnavailable):
        BucketStore.open(s3_service().url()).check()


def test_a_bucket_that_is_not_there_is_no_missing_object(service: FaultyS3) -> None:
    """Else a wrong setting would fail every job for want of its audio."""
    elsewhere = BucketStore.open("s3://no-such-bucket/prefix")
    for call in (elsewhere.read, elsewhere.exists, elsewhere.info, lambda name: list(elsewhere.list(name))):
        with pytest.raises(StoreRefused):
            call("jobs")


def test_neither_is_what_something_in_between_says(store: BucketStore, service: FaultyS3) -> None:
    store.write(AUDIO, [b"bytes"])
    service.always(Said(404, "page not found"))
    for call in (store.read, store.exists, store.info):
        with pytest.raises(StoreUnavailable):
            call(AUDIO)
    service.heal()
    with pytest.raises(ObjectMissing):
        store.read("jobs/1/other")


def test_a_broken_off_upload_is_aborted(store: BucketStore, service: FaultyS3) -> None:
    def chunks() -> Iterator[bytes]:
        yield from LARGE
        assert s3_service().open_uploads() == 1
        raise KeyError

    with pytest.raises(KeyError):
        store.write(AUDIO, chunks())
    assert s3_service().open_uploads() == 0


def test_one_that_the_service_refuses_ends_at_once(store: BucketStore, service: FaultyS3) -> None:
    """Nothing more is read from whoever sends it."""
    taken = []

    def chunks() -> Iterator[bytes]:
        for number in range(100):
            taken.append(number)
            if number == 8:
                service.always(FULL, "PUT")
            yield bytes(MIB)

    with pytest.raises(StoreFull):
        store.write(AUDIO, chunks())
    assert len(taken) < 60
    assert s3_service().open_uploads() == 0


@pytest.mark.parametrize("chunks", [[b"bytes"], LARGE], ids=["small", "large"])
def test_bytes_that_changed_on_the_way_are_noticed(store: BucketStore, service: FaultyS3, chunks: list[bytes]) -> None:
    store.write("jobs/0/audio", chunks)
    service.damages = 1
    with pytest.raises(StoreUnavailable, match="something else"):
        store.write(AUDIO, chunks)
    assert not store.exists(AUDIO)


def test_answers_that_break_off_are_asked_for_again(store: BucketStore, service: FaultyS3) -> None:
    store.write(AUDIO, LARGE)
    service.cuts = 3
    assert b"".join(store.chunks(AUDIO)) == b"".join(LARGE)
    service.cuts = 1
    assert store.read(AUDIO) == b"".join(LARGE)


def test_what_is_replaced_while_it_is_read_is_not_mixed(store: BucketStore) -> None:
    store.write(AUDIO, LARGE)
    pieces = store.chunks(AUDIO)
    next(pieces)
    store.write(AUDIO, LARGE[::-1])
    with pytest.raises(StoreUnavailable):
        list(pieces)


def test_more_than_one_copy_request_takes_goes_through_this_machine(
    store: BucketStore, service: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "COPY_BYTES", MIB)
    store.write(AUDIO, LARGE)
    store.copy(AUDIO, "jobs/2/audio")
    assert store.read("jobs/2/audio") == b"".join(LARGE)


def test_a_file_is_fetched_once(store: BucketStore, service: FaultyS3) -> None:
    """For prepare, which comes back to it slice after slice."""
    store.write(AUDIO, LARGE)
    pieces = 0

    def count() -> None:
        nonlocal pieces
        pieces += 1

    for _ in range(3):
        with store.local_file(AUDIO, count) as path:
            assert path.read_bytes() == b"".join(LARGE)
    assert service.count("GET", AUDIO) == pieces == -(-len(LARGE) * MIB // s3.STRETCH_BYTES)


def test_a_process_that_was_forked_is_told(store: BucketStore) -> None:
    """It would wait for ever."""
    store.write(AUDIO, [b"bytes"])
    child = os.fork()
    if not child:
        try:
            store.read(AUDIO)
        except RuntimeError:
            os._exit(42)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42


def test_without_the_library_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(SetupError) as told:
        open_store("s3://bucket")
    assert "tingxie[s3]" in told.value.remedy


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "s3://bucket?region=x"])
def test_a_url_without_a_bucket(url: str) -> None:
    with pytest.raises(SetupError):
        open_store(url)


WHOLE = {"ETag": '"0"', "Last-Modified": "Wed, 25 Nov 2026 08:00:00 GMT"}
UPLOAD = """
import pathlib, re, sys
from jobs.store import open_store

def most_kib():
    return int(re.search(r"VmHWM:\\s*(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])

store = open_store(sys.argv[1])
store.write("small", [b"bytes"])
before = most_kib()
store.write("large", (bytes(1 << 20) for _ in range(int(sys.argv[2]))))
print(most_kib() - before)
"""


@pytest.mark.parametrize("mib", [150, pytest.param(7000, marks=pytest.mark.full)])
def test_an_upload_needs_little_memory(mib: int, service: FaultyS3) -> None:
    """The parts go nowhere: what is measured is the sender."""
    taken = []

    def answering(method: str, path: str, length: int) -> Said | None:
        if method == "PUT" and "partNumber=" in path:
            taken.append(length)
            return Said(200, headers={"ETag": '"0"'})
        if method == "POST" and "uploadId=" in path:
            return Said(200, "<CompleteMultipartUploadResult><ETag>0</ETag></CompleteMultipartUploadResult>")
        return Said(200, headers=WHOLE | {"content-length": str(sum(taken))}) if method == "HEAD" else None

    service.answering = answering
    command = [sys.executable, "-c", UPLOAD, s3_service().url(), str(mib)]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=390)
    grown_kib = int(ran.stdout or 0)
    assert 0 < grown_kib < 60_000, ran.stderr
    assert sum(taken) == mib * MIB
