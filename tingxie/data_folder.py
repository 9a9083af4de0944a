"""The data folder of `tingxie up`: checked before anything starts, and locked so that no two stacks share one."""

import errno
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from uuid import uuid4

from tingxie.data_layout import bring_up_to_date
from tingxie.errors import StackError

#: below this a fresh AOF, a log and one short upload don't fit; the service would fail at its first job
LEAST_FREE_BYTES = 100 * 1024 * 1024
_TRIAL_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DataFolder:
    """Held until it is left, or until this process ends, however it ends: the kernel frees the lock."""

    path: Path
    _lock: IO[str]

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def listening(self) -> Path:
        return self.path / "listen.json"

    @property
    def temporary(self) -> Path:
        return self.path / "tmp"

    @property
    def redis(self) -> Path:
        return self.path / "redis"

    @classmethod
    def take(cls, path: Path) -> "DataFolder":
        """Make the folder if it is missing, check that it can hold data, lock it. Raises StackError."""
        path = path.expanduser().absolute()
        try:
            path.mkdir(parents=True, exist_ok=True)
            (path / "logs").mkdir(exist_ok=True)
            lock = (path / "up.lock").open("a+", encoding="ascii")
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            _lock_or_refuse(lock, path)
            _check_writable(path)
            bring_up_to_date(path)
        except StackError:
            lock.close()
            raise
        return cls(path, lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lock.close()


def _lock_or_refuse(lock: IO[str], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip() or "unknown"
        raise StackError(
            f"another `tingxie up` (process {holder}) runs on {path}",
            remedy="Stop it, or choose another --data folder.",
        ) from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _check_writable(path: Path) -> None:
    """A real write and sync: quotas, read-only mounts and full disks show only then."""
    trial = path / f".trial-{uuid4().hex[:8]}"
    try:
        with trial.open("wb") as file:
            file.write(bytes(_TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unusable(path, error) from error
    finally:
        trial.unlink(missing_ok=True)
    if shutil.disk_usage(path).free < LEAST_FREE_BYTES:
        raise _full(path)


def _unusable(path: Path, error: OSError) -> StackError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _full(path)
    return StackError(f"can't use the data folder {path}: {error.strerror}", remedy="Choose another with --data DIR.")


def _full(path: Path) -> StackError:
    return StackError(
        f"the disk of the data folder {path} is full", remedy="Free some space, or choose another --data."
    )
