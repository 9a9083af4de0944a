"""The store in a folder of this machine (or of a shared disk)."""

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobs.errors import ObjectMissing, SetupError, StoreFull, StoreUnavailable
from jobs.store.interface import ObjectInfo
from jobs.store.names import checked
from jobs.store.synced_file import SyncedFile

PIECE_BYTES = 1 << 20
PROBE = "probe"
#: what os.link says on disks that know no links, or no more of them
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EXDEV, errno.EMLINK, errno.EACCES)


class FolderStore:
    """Objects are files; an object is written beside its place and renamed into it, so readers see all or nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, path: str) -> "FolderStore":
        """Make the folder where it's missing; raises SetupError where that isn't possible.

        From then on it is never empty: an empty one is where a disk isn't mounted at the moment.
        """
        root = Path(path)
        try:
            root.mkdir(parents=True, exist_ok=True)
            if _is_empty(root):
                (root / PROBE).mkdir(exist_ok=True)
        except OSError as error:
            raise SetupError(f"the store's folder {root} can't be made: {error.strerror}") from error
        return cls(root)

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> int:
        target = self._path(name)
        temporary = _beside(target)
        with self._translated(name):
            if not target.parent.is_dir():
                self._require_root()  # a store that was taken away isn't made anew, on another disk
                target.parent.mkdir(parents=True, exist_ok=True)
            try:
                size_bytes = _write_file(temporary, chunks, sync)
                temporary.replace(target)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if sync:
                _sync_folder(target.parent)
        return size_bytes

    def read(self, name: str) -> bytes:
        with self._translated(name):
            return self._path(name).read_bytes()

    def chunks(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        with self._translated(name), self._path(name).open("rb") as file:
            file.seek(start)
            left = (stop if stop is not None else os.fstat(file.fileno()).st_size) - start
            while left > 0 and (piece := file.read(min(PIECE_BYTES, left))):
                left -= len(piece)
                yield piece

    def copy(self, name: str, to: str) -> None:
        source, target = self._path(name), self._path(to)
        temporary = _beside(target)
        with self._translated(name):
            os.utime(source)  # the link shares it: the second name must not look old to the sweep
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, temporary)  # objects never change, so a link is as good
                temporary.replace(target)
                temporary.unlink(missing_ok=True)  # rename(2) does nothing where both are the same file already
            except OSError as error:
                if error.errno not in NO_LINKS:
                    raise
                self.write(to, self.chunks(name), sync=True)
            _sync_folder(target.parent)

    @contextmanager
    def local_file(self, name: str, on_piece: Callable[[], None] = lambda: None) -> Iterator[Path]:
        del on_piece  # it is here already
        path = self._path(name)
        if not path.is_file():
            raise self._missing(name)
        yield path

    def info(self, name: str) -> ObjectInfo:
        with self._translated(name):
            found = self._path(name).stat()
        if not stat.S_ISREG(found.st_mode):
            raise self._missing(name)
        return ObjectInfo(name, found.st_size, found.st_mtime)

    def exists(self, name: str) -> bool:
        with self._translated(name):
            self._require_root()
            return self._path(name).is_file()

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._translated(prefix):
            self._require_root()
            for path in _files_below(self._path(prefix) if prefix else self.root):
                with suppress(FileNotFoundError):  # removed while we looked
                    found = path.stat()
                    yield ObjectInfo(path.relative_to(self.root).as_posix(), found.st_size, found.st_mtime)

    def delete(self, name: str) -> None:
        with self._translated(name):
            self._path(name).unlink(missing_ok=True)

    def delete_all(self, prefix: str) -> int:
        folder = self._path(prefix)
        count = sum(1 for _ in self.list(prefix))
        with self._translated(prefix):
            if folder.is_dir():
                shutil.rmtree(folder)
        return count

    def tidy(self) -> None:
        """Nothing is kept besides."""

    def check(self) -> int:
        name = f"{PROBE}/{secrets.token_hex(4)}"
        self.write(name, [b"tingxie"], sync=True)
        if self.read(name) != b"tingxie":
            raise StoreUnavailable(f"the store at {self.root} doesn't give back what was written")
        self.delete(name)
        return shutil.disk_usage(self.root).free

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Turn the system's errors into ours, the cause kept."""
        try:
            yield
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise self._missing(name) from error
        except OSError as error:
            kind = StoreFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreUnavailable
            raise kind(f"{name}: {error.strerror}") from error

    def _missing(self, name: str) -> ObjectMissing | StoreUnavailable:
        """Without the store itself (a disk that isn't mounted at the moment), nothing is known of any object."""
        try:
            self._require_root()
        except (OSError, StoreUnavailable):
            return StoreUnavailable(f"the store's folder {self.root} is not there")
        return ObjectMissing(f"{name} is not in the store")

    def _require_root(self) -> None:
        if _is_empty(self.root):
            raise StoreUnavailable(f"the store's folder {self.root} is empty: its disk isn't mounted")

    def _path(self, name: str) -> Path:
        return self.root / checked(name)


def _is_empty(folder: Path) -> bool:
    with os.scandir(folder) as found:
        return next(found, None) is None


def _beside(target: Path) -> Path:
    """Where an object is written before it is renamed into its place; the sweep knows such names."""
    return target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")


def _files_below(folder: Path) -> Iterator[Path]:
    """Raises OSError for what can't be looked into; folders that are removed meanwhile hold nothing."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            raise error

    for within, _, files in os.walk(folder, onerror=refuse):
        for file in files:
            yield Path(within, file)


def _write_file(path: Path, chunks: Iterable[bytes], sync: bool) -> int:
    with SyncedFile(path) if sync else path.open("wb") as file:
        return sum(map(file.write, chunks))


def _sync_folder(folder: Path) -> None:
    """Make the renames in a folder durable (fsync(2): the entry itself needs a sync of its folder)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
