"""SyncedFile: what it holds, what is on the disk while it is written, and what a failing disk says."""

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from jobs.store.synced_file import SYNC_BYTES, SyncedFile

PIECE = bytes(SYNC_BYTES // 4)


def test_it_goes_to_the_disk_as_it_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (fsync(number), synced.append(os.fstat(number).st_size)))
    with SyncedFile(tmp_path / "large") as file:
        assert [file.write(PIECE) for _ in range(13)] == [len(PIECE)] * 13
        assert len(synced) >= 2
    assert len(synced) == 4
    assert synced[-1] == 13 * len(PIECE) == (tmp_path / "large").stat().st_size


def test_a_disk_that_fails_meanwhile_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"), SyncedFile(tmp_path / "large") as file:
        file.write(PIECE * 4)
    with pytest.raises(OSError, match="No space"), SyncedFile(tmp_path / "small") as file:
        file.write(b"small")


def test_the_error_of_whoever_writes_comes_first(tmp_path: Path) -> None:
    def break_off() -> None:
        with SyncedFile(tmp_path / "broken") as file:
            file.write(PIECE * 4)
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
