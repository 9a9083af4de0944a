"""The bytes of one request as they come in, divided into parts that are each worth keeping."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jobs.errors import TingxieError, UploadChecksumMismatch

#: the names that tus gives them are hashlib's
CHECKSUMS = ("sha1", "sha256", "md5")


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a request says of its bytes: one of CHECKSUMS, and the digest."""

    algorithm: str
    digest: bytes


class Incoming:
    """At most `left` bytes are given out; more of them raise `beyond`. What reading raises is kept until all that came
    before was taken.
    """

    def __init__(self, pieces: Iterable[bytes], left: int, beyond: TingxieError) -> None:
        self._pieces = iter(pieces)
        self._left = left
        self._beyond = beyond
        self._held = b""
        self._broken: TingxieError | None = None

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay; fewer than `size` at the end only."""
        while len(self._held) < size and (piece := self._read()):
            self._held += piece
        return self._held[:size]

    def take(self, size: int) -> Iterator[bytes]:
        """The next bytes, at most `size`."""
        while size and (piece := self._held or self._read()):
            taken, self._held = piece[:size], piece[size:]
            size -= len(taken)
            yield taken

    def finish(self) -> None:
        """Raise what ended the bytes early."""
        if self._broken:
            raise self._broken

    def verified(self, checksum: Checksum) -> Iterator[bytes]:
        """All of the bytes. Raises UploadChecksumMismatch at their end if they aren't those that were meant."""
        digest = hashlib.new(checksum.algorithm, usedforsecurity=False)
        while piece := self._held or self._read():
            self._held = b""
            digest.update(piece)
            yield piece
        self.finish()
        if digest.digest() != checksum.digest:
            raise UploadChecksumMismatch(f"Their {checksum.algorithm} is another.")

    def _read(self) -> bytes:
        """The next piece; b'' at the end."""
        if self._broken:
            return b""
        try:
            piece = next(self._pieces, b"")
        except TingxieError as error:
            self._broken = error
            return b""
        if len(piece) > self._left:
            self._broken = self._beyond
            piece = piece[: self._left]
        self._left -= len(piece)
        return piece
