"""The store in a folder: a copy of what isn't there leaves nothing behind; a store that is away isn't made anew."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.errors import ObjectMissing, StoreUnavailable
from jobs.store import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore.open(str(tmp_path / "store"))


def test_a_copy_holds_the_same(store: FolderStore) -> None:
    store.write("one/audio", [b"bytes"])
    store.copy("one/audio", "two/audio")
    store.delete("one/audio")
    assert store.read("two/audio") == b"bytes"


def test_also_where_there_are_no_links(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    store.write("one/audio", [b"bytes"])
    store.copy("one/audio", "two/audio")
    assert store.read("two/audio") == b"bytes"


def test_a_copy_of_nothing_leaves_nothing(store: FolderStore) -> None:
    with pytest.raises(ObjectMissing):
        store.copy("gone/audio", "two/audio")
    assert list(store.list("")) == []


def test_a_store_that_is_away_is_not_made_anew(store: FolderStore) -> None:
    store.write("one/audio", [b"bytes"])
    store.root.rename(store.root.with_name("elsewhere"))
    with pytest.raises(StoreUnavailable):
        store.copy("one/audio", "two/audio")
    assert not store.root.exists()


def test_neither_is_one_whose_disk_is_not_mounted(store: FolderStore) -> None:
    """What is left is an empty folder; jobs must not fail for want of their audio."""
    store.write("one/audio", [b"bytes"])
    elsewhere = store.root.rename(store.root.with_name("elsewhere"))
    store.root.mkdir()
    for call in (
        store.read,
        store.info,
        store.exists,
        lambda name: list(store.list(name)),
        lambda name: store.write(name, []),
    ):
        with pytest.raises(StoreUnavailable):
            call("one/audio")
    with pytest.raises(StoreUnavailable), store.local_file("one/audio"):
        pass
    store.root.rmdir()
    elsewhere.rename(store.root)
    assert store.read("one/audio") == b"bytes"


def test_what_can_not_be_looked_into_is_not_empty(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, onerror: Callable[[OSError], None]) -> Iterator[object]:
        onerror(OSError(errno.EIO, "a bad disk"))
        return iter(())

    monkeypatch.setattr(os, "walk", refuse)
    with pytest.raises(StoreUnavailable, match="bad disk"):
        list(store.list("jobs/"))
