"""Copies of objects on this machine: fetched once, kept while used, removed when room is wanted."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from jobs.errors import StoreUnavailable
from jobs.store.cache import KEPT_S, PARTIAL, FileCache

FETCH_S = 5.0


class Source:
    """Bytes that count how often they are fetched; `gate` holds them up."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.fetched = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> Iterator[bytes]:
        self.fetched += 1
        assert self.gate.wait(FETCH_S)
        yield self.content


def kept(folder: Path) -> int:
    return len(list(folder.iterdir()))


def test_what_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    source = Source(b"sound")
    for cache in (FileCache(tmp_path / "cache"), FileCache(tmp_path / "cache")):
        with cache.file("a", 5, source) as path:
            assert path.read_bytes() == b"sound"
    assert source.fetched == 1
    assert (tmp_path / "cache").stat().st_mode & 0o77 == 0


def test_two_that_want_it_at_once_fetch_it_once(tmp_path: Path) -> None:
    source, seen = Source(b"sound"), []
    source.gate.clear()

    def use() -> None:
        with FileCache(tmp_path).file("a", 5, source) as path:
            seen.append(path.read_bytes())

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    source.gate.set()
    for thread in threads:
        thread.join()
    assert seen == [b"sound"] * 4
    assert source.fetched == 1


@pytest.mark.parametrize("content", [b"soun", b"sounds", b""], ids=["less", "more", "nothing"])
def test_what_came_otherwise_is_not_kept(tmp_path: Path, content: bytes) -> None:
    cache = FileCache(tmp_path)
    with pytest.raises(StoreUnavailable, match=f"{len(content)} of 5 bytes"), cache.file("a", 5, Source(content)):
        pass
    with cache.file("a", 5, Source(b"sound")) as path:
        assert path.read_bytes() == b"sound"


def test_room_is_made_of_what_was_used_longest_ago_and_is_not_in_use(tmp_path: Path) -> None:
    cache = FileCache(tmp_path, most_bytes=10)
    sources = {key: Source(key.encode() * 4) for key in "abc"}
    with cache.file("a", 4, sources["a"]) as held:
        for age, key in ((20, "b"), (10, "c")):
            with cache.file(key, 4, sources[key]) as path:
                pass
            os.utime(path, (path.stat().st_mtime - age,) * 2)
        assert held.read_bytes() == b"aaaa"  # the oldest, and over the limit, but in use
    with cache.file("c", 4, sources["c"]), cache.file("b", 4, sources["b"]):
        pass
    assert {key: source.fetched for key, source in sources.items()} == {"a": 1, "b": 2, "c": 1}
    assert kept(tmp_path) == 2


def test_a_folder_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "cache").touch()
    with (
        pytest.raises(StoreUnavailable, match="can't be used"),
        FileCache(tmp_path / "cache").file("a", 1, Source(b"a")),
    ):
        pass


def test_what_nobody_reads_for_long_goes(tmp_path: Path) -> None:
    """A recording isn't left on a worker for good."""
    cache = FileCache(tmp_path / "cache")
    cache.tidy()  # nothing was ever here
    old = time.time() - KEPT_S - 1
    with cache.file("read", 4, Source(b"read")) as read:
        with cache.file("old", 4, Source(b"olds")) as path, cache.file("new", 4, Source(b"news")) as new:
            pass
        half = path.with_name("half" + PARTIAL)
        half.touch()
        for each in (read, path, half):
            os.utime(each, (old, old))
        cache.tidy()
        assert {each.name for each in (tmp_path / "cache").iterdir()} == {read.name, new.name}


def test_every_piece_is_told_of(tmp_path: Path) -> None:
    """So that a slow store isn't taken for a hang."""
    told = []
    with FileCache(tmp_path).file("a", 4, lambda: iter([b"so", b"un"]), lambda: told.append(1)):
        assert len(told) == 2


def test_a_disk_that_is_full_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    cache = FileCache(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(StoreUnavailable, match="No space left on device"):
            cache.file("a", 5, Source(b"sound")).__enter__()
    with cache.file("a", 5, Source(b"sound")) as path:
        assert path.read_bytes() == b"sound"
