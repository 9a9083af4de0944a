"""Objects of a store elsewhere as files on this machine, kept for a while: prepare comes back to a recording again and
again, in slices.

Processes share the folder. A file in use is locked and stays; of the others, those that were used last are kept.
"""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from jobs.errors import StoreUnavailable
from jobs.store.synced_file import SyncedFile

#: as much as the largest upload that is accepted by default, besides what is in use
MOST_BYTES = 10_000_000_000
#: a recording isn't left lying about on a worker that has no use for it
KEPT_S = 600.0
PARTIAL = ".part"


def default_folder() -> Path:
    """In the system's folder for temporary files (TMPDIR), for this user only."""
    return Path(tempfile.gettempdir()) / f"tingxie-cache-{os.getuid()}"


class FileCache:
    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    @contextmanager
    def file(
        self,
        key: str,
        size_bytes: int,
        fetch: Callable[[], Iterable[bytes]],
        on_piece: Callable[[], None] = lambda: None,
    ) -> Iterator[Path]:
        """The file of an object, fetched if it isn't here. `key` names the object and its content: one that changes
        has another. on_piece: told of each piece that came. Raises StoreUnavailable where this machine has no room, or
        not all of it came."""
        path = self._folder / hashlib.sha256(key.encode()).hexdigest()
        with self._held(path, size_bytes, lambda: _told(fetch(), on_piece)) as file:
            yield path
            os.utime(file.fileno())  # its last use

    def tidy(self) -> None:
        """Remove what nobody has read for a while, and what was left half fetched."""
        try:
            for path, found in list(self._files(with_partial=True)):
                if time.time() - found.st_mtime > KEPT_S:
                    _removed(path)
        except FileNotFoundError:
            return  # no folder, or another process was faster
        except OSError as error:
            raise StoreUnavailable(f"{self._folder} can't be tidied: {error.strerror}") from error

    def _held(self, path: Path, size_bytes: int, fetch: Callable[[], Iterable[bytes]]) -> IO[bytes]:
        """The open file, whole and locked against removal until it is closed."""
        while True:
            file = self._open(path)
            try:
                if _is_whole(file, path, size_bytes, fcntl.LOCK_SH):
                    os.utime(path)
                    return file
                if not _is_whole(file, path, size_bytes, fcntl.LOCK_EX) and _is_at(file, path):
                    self._fetch(path, size_bytes, fetch())
            except BaseException:
                file.close()
                raise
            file.close()  # what is at the path now is another file, for everybody who waited too

    def _open(self, path: Path) -> IO[bytes]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._folder.stat().st_uid != os.getuid():
                raise StoreUnavailable(f"{self._folder} belongs to another user: set TMPDIR")
            return path.open("a+b")
        except OSError as error:
            raise StoreUnavailable(f"this machine's {self._folder} can't be used: {error.strerror}") from error

    def _fetch(self, path: Path, size_bytes: int, pieces: Iterable[bytes]) -> None:
        self._make_room(size_bytes)
        partial = path.with_name(path.name + PARTIAL)
        try:
            # one of the right length has its bytes, whatever becomes of this machine
            with _no_room_told(), SyncedFile(partial) as file:
                came = sum(file.write(piece) for piece in pieces)
            if came != size_bytes:
                raise StoreUnavailable(f"{came} of {size_bytes} bytes came")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    def _make_room(self, wanted_bytes: int) -> None:
        found = sorted(self._files(), key=lambda each: each[1].st_mtime)
        total = wanted_bytes + sum(stat.st_size for _, stat in found)
        for path, stat in found:
            if total <= self._most_bytes:
                return
            if _removed(path):
                total -= stat.st_size

    def _files(self, *, with_partial: bool = False) -> Iterator[tuple[Path, os.stat_result]]:
        for each in os.scandir(self._folder):
            if with_partial or not each.name.endswith(PARTIAL):  # of one that is being fetched
                try:
                    yield Path(each.path), each.stat()
                except FileNotFoundError:
                    continue


def _is_whole(file: IO[bytes], path: Path, size_bytes: int, lock: int) -> bool:
    """Once it is locked."""
    fcntl.flock(file, lock)
    return _is_at(file, path) and os.fstat(file.fileno()).st_size == size_bytes


def _is_at(file: IO[bytes], path: Path) -> bool:
    """Whether it is the file at that path still: it may have been removed or replaced while we waited for the lock."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _told(pieces: Iterable[bytes], on_piece: Callable[[], None]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        on_piece()


@contextmanager
def _no_room_told() -> Iterator[None]:
    """A full disk may say so with the last bytes only. (What fetching raises is StoreUnavailable already.)"""
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"this machine has no room for a copy: {error.strerror}; TMPDIR says where") from error


def _removed(path: Path) -> bool:
    """Remove a file that nobody uses."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        path.unlink(missing_ok=True)
        return True
