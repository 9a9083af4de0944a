"""The store in a folder: a copy of what isn't there leaves nothing behind; a store that is away isn't made anew."""

import errno
import os
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
    assert list(store.root.iterdir()) == []


def test_a_store_that_is_away_is_not_made_anew(store: FolderStore) -> None:
    store.write("one/audio", [b"bytes"])
    store.root.rename(store.root.with_name("elsewhere"))
    with pytest.raises(StoreUnavailable):
        store.copy("one/audio", "two/audio")
    assert not store.root.exists()
