"""Chunks are measured as they pass, whoever takes them."""

import hashlib
from pathlib import Path

from jobs.store import FolderStore, Measured, Stored


def test_what_passed_is_known(tmp_path: Path) -> None:
    chunks = [b"some", b"", b"bytes"]
    measured = Measured(iter(chunks))
    assert measured.stored == Stored(0, hashlib.sha256(b"").hexdigest())
    assert FolderStore.open(str(tmp_path / "store")).write("one/audio", measured) == 9
    assert measured.stored == Stored(9, hashlib.sha256(b"somebytes").hexdigest())
    assert measured.digest.hex() == measured.stored.sha256
