"""What passes on its way into a store: its size and its SHA-256, for those that need to know it again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stored:
    """What was written: its size in bytes and its SHA-256 in hex."""

    size_bytes: int
    sha256: str


class Measured:
    """Chunks, to be gone through once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._digest.update(chunk)
            self._size_bytes += len(chunk)
            yield chunk

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    @property
    def stored(self) -> Stored:
        """Of what has passed so far."""
        return Stored(self._size_bytes, self._digest.hexdigest())
