"""What a store of objects must do for us. Names are relative, `/`-separated; layout.py builds them."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    name: str
    size_bytes: int
    modified_at: float


class AudioStore(Protocol):
    """Every method raises StoreUnavailable (or StoreFull, StoreRefused) where the store is away; reads raise
    ObjectMissing.
    """

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> int:
        """Write one object, streamed, and say how many bytes it has; it appears whole or not at all.

        `sync` returns only once it is durable. Who wants a digest too gives `Measured` chunks (measured.py).
        """
        ...

    def read(self, name: str) -> bytes: ...

    def chunks(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The bytes [start, stop) of an object in pieces of at most 1 MiB."""
        ...

    def copy(self, name: str, to: str) -> None:
        """Give an object a second name, durably; each is deleted by itself. Takes no second room where it can."""
        ...

    def local_file(self, name: str, on_piece: Callable[[], None] = ...) -> AbstractContextManager[Path]:
        """The object as a file on this machine, for libraries that want a path.

        on_piece: called again and again while it comes from elsewhere; so a slow store isn't taken for a hang.
        """
        ...

    def info(self, name: str) -> ObjectInfo: ...

    def exists(self, name: str) -> bool: ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object below `prefix`, in no order."""
        ...

    def delete(self, name: str) -> None:
        """Remove one object; one that isn't there is no error."""
        ...

    def delete_all(self, prefix: str) -> int:
        """Remove every object below `prefix` (a folder's name with its slash); says how many there were."""
        ...

    def tidy(self) -> None:
        """Remove what this machine keeps of objects from elsewhere and hasn't read for a while."""
        ...

    def check(self) -> int:
        """Write, read and remove a probe object; returns the free bytes (-1 where unknown)."""
        ...
