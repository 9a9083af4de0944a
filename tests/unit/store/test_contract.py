"""What every store must do, whichever it is (jobs/store/interface.py)."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.errors import ObjectMissing
from jobs.store import AudioStore
from tests.support.waiting import eventually
from tests.unit.store.openers import OPENERS

MIB = 1 << 20
#: more than any store sends in one piece, in chunks that fit none of its own
LARGE = [bytes([number % 251]) * (MIB // 2 + 7) for number in range(41)]


@pytest.fixture(params=OPENERS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AudioStore]:
    with OPENERS[request.param](tmp_path) as opened:
        yield opened


def names(store: AudioStore, prefix: str) -> list[str]:
    return sorted(each.name for each in store.list(prefix))


class InterruptedUpload(Exception):
    pass


def interrupted(chunks: list[bytes]) -> Iterator[bytes]:
    yield from chunks
    raise InterruptedUpload


@pytest.mark.parametrize("chunks", [[], [b""], [b"bytes"], [b"a", b"", b"b"], LARGE], ids=lambda c: f"{len(c)} chunks")
def test_what_was_written_is_read(store: AudioStore, chunks: list[bytes]) -> None:
    whole = b"".join(chunks)
    assert store.write("jobs/1/audio", chunks, sync=True) == len(whole)
    assert store.read("jobs/1/audio") == whole
    assert store.info("jobs/1/audio").size_bytes == len(whole)
    pieces = list(store.chunks("jobs/1/audio"))
    assert b"".join(pieces) == whole
    assert max(map(len, pieces), default=0) <= MIB


def test_a_range_of_it(store: AudioStore) -> None:
    whole = bytes(range(256)) * 8192
    store.write("one/audio", [whole])
    for start, stop in [(0, 1), (5, 9), (MIB - 1, MIB + 1), (0, len(whole)), (100, 100), (len(whole) - 3, None)]:
        assert b"".join(store.chunks("one/audio", start, stop)) == whole[start:stop], (start, stop)
    assert b"".join(store.chunks("one/audio", 10, len(whole) + 10)) == whole[10:]
    assert b"".join(store.chunks("one/audio", len(whole))) == b""


def test_an_object_is_replaced_whole(store: AudioStore) -> None:
    store.write("one/audio", LARGE)
    store.write("one/audio", [b"new"])
    assert store.read("one/audio") == b"new"


@pytest.mark.parametrize("chunks", [[b"half"], LARGE], ids=["small", "large"])
def test_what_breaks_off_leaves_no_trace(store: AudioStore, chunks: list[bytes]) -> None:
    store.write("old/audio", [b"old"])
    for name in ("old/audio", "new/audio"):
        with pytest.raises(InterruptedUpload):
            store.write(name, interrupted(chunks))
    assert store.read("old/audio") == b"old"
    eventually(lambda: names(store, "old/") == ["old/audio"])  # a store elsewhere hears of it a moment later
    eventually(lambda: names(store, "new/") == [])


def test_it_is_not_seen_before_it_is_whole(store: AudioStore) -> None:
    seen = []

    def looking() -> Iterator[bytes]:
        for chunk in LARGE:
            seen.append(store.exists("one/audio"))
            yield chunk

    store.write("one/audio", looking())
    assert seen == [False] * len(LARGE)
    assert store.exists("one/audio")


def test_what_is_not_there(store: AudioStore) -> None:
    store.write("one/audio", [b"bytes"])
    assert not store.exists("one/other")
    assert not store.exists("one")
    for read in (store.read, store.info, lambda name: list(store.chunks(name)), lambda name: store.copy(name, "two/b")):
        with pytest.raises(ObjectMissing):
            read("one/other")
    with pytest.raises(ObjectMissing), store.local_file("one/other"):
        pass
    store.delete("one/other")
    assert store.delete_all("other/") == 0
    assert names(store, "other/") == names(store, "two/") == []


def test_a_copy_is_an_object_of_its_own(store: AudioStore) -> None:
    store.write("one/audio", LARGE)
    store.write("two/audio", [b"before"])
    store.copy("one/audio", "two/audio")
    store.copy("one/audio", "two/audio")  # a repeat changes nothing
    store.delete("one/audio")
    assert store.read("two/audio") == b"".join(LARGE)
    assert names(store, "") == ["two/audio"]


def test_a_copy_is_new(store: AudioStore) -> None:
    """The sweep goes by its age."""
    store.write("one/audio", [b"bytes"])
    before = time.time() - 2  # stores tell whole seconds, by a clock of their own
    store.copy("one/audio", "two/audio")
    assert before <= store.info("two/audio").modified_at <= time.time() + 2


def test_a_file_of_this_machine(store: AudioStore) -> None:
    store.write("one/audio", LARGE)
    with store.local_file("one/audio") as path:
        assert path.read_bytes() == b"".join(LARGE)
    store.write("one/audio", [b"new"])
    with store.local_file("one/audio") as path:
        assert path.read_bytes() == b"new"


def test_the_list_is_of_what_lies_below(store: AudioStore) -> None:
    written = ["jobs/a/audio", "jobs/a/windows/000000", "jobs/a/windows/000001", "jobs/ab/audio", "keys/k.json"]
    for name in written:
        store.write(name, [name.encode()])
    assert names(store, "") == written
    assert names(store, "jobs/") == written[:4]
    assert names(store, "jobs/a/") == written[:3]
    assert names(store, "nothing/") == []
    now = time.time()
    for each in store.list("jobs/"):
        assert each.size_bytes == len(each.name)
        assert abs(each.modified_at - now) < 60


def test_delete_all_takes_what_lies_below_and_nothing_else(store: AudioStore) -> None:
    for name in ["jobs/a/audio", "jobs/a/windows/000000", "jobs/a/windows/000001", "jobs/ab/audio"]:
        store.write(name, [b"bytes"])
    assert store.delete_all("jobs/a/windows/") == 2
    assert names(store, "jobs/") == ["jobs/a/audio", "jobs/ab/audio"]
    assert store.delete_all("jobs/a/") == 1
    store.delete("jobs/ab/audio")
    assert names(store, "") == []


def test_more_than_a_page_of_objects(store: AudioStore) -> None:
    """The stores of these tests have small pages, where they have pages."""
    written = [f"jobs/1/windows/{number:06d}" for number in range(25)]
    for name in written:
        store.write(name, [b"bytes"])
    assert names(store, "jobs/") == written
    assert store.delete_all("jobs/") == 25
    assert names(store, "jobs/") == []


def test_names_stay_inside(store: AudioStore) -> None:
    for name in ("../outside", "jobs/../../outside", "/etc/passwd", ""):
        with pytest.raises(ValueError, match="not an object's name"):
            store.write(name, [b"bytes"])
        with pytest.raises(ValueError, match="not an object's name"):
            store.read(name)


def test_of_many_writers_one_wins_whole(store: AudioStore) -> None:
    contents = [bytes([number]) * MIB for number in range(6)]
    threads = [threading.Thread(target=store.write, args=("one/audio", [content])) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.read("one/audio") in contents
    assert names(store, "one/") == ["one/audio"]


def test_the_probe_leaves_nothing(store: AudioStore) -> None:
    assert store.check() >= -1
    assert names(store, "") == []
