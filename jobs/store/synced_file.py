"""A file that goes to the disk while it is being written, so that little of it is left to wait for at its end."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

#: bytes written between two calls for the disk; at most twice as many wait for it
SYNC_BYTES = 32 << 20


class SyncedFile:
    """Written within `with`; after it every byte is durable (fsync(2)). Raises OSError as a plain file does.

    A plain file's bytes stay in memory until its fsync, which then takes as long as the whole upload did; and where
    more of them pile up than the system allows, it stops all writers.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sync")
        self._syncing: Future[None] | None = None
        self._since_sync = 0

    def write(self, piece: bytes) -> int:
        written = self._file.write(piece)
        self._since_sync += written
        if self._since_sync >= SYNC_BYTES:
            self._sync_beside()
        return written

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            self._disk.shutdown()  # before the file's end: its number may be another file's afterwards
            if kind is None:
                self._wait()
                self._file.flush()
                os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _sync_beside(self) -> None:
        """Begin with what is written so far, once the disk has done what was asked of it before."""
        self._wait()
        self._file.flush()
        self._syncing = self._disk.submit(os.fsync, self._file.fileno())
        self._since_sync = 0

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
