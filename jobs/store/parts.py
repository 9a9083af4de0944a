"""An upload in parts of one size, measured and hashed as they pass."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from queue import Full, Queue
from typing import TypeVar

#: the least that S3 takes for a part, and it takes 10,000 of them: 52 GB
PART_BYTES = 5 << 20
#: how soon it is noticed that nobody takes parts any more
POLL_S = 0.1

Answer = TypeVar("Answer")


class Parts:
    """Iterates over parts of PART_BYTES, the last one shorter; knows what they were once they all are taken."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()
        self._md5s: list[bytes] = []
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        while len(self._buffer) < PART_BYTES and (chunk := next(self._chunks, None)) is not None:
            self._buffer += chunk
        part = bytes(memoryview(self._buffer)[:PART_BYTES])
        del self._buffer[:PART_BYTES]
        if not part:
            raise StopIteration
        self._md5s.append(_md5(part))
        self.size_bytes += len(part)
        return part

    def etag(self, *, is_multipart: bool) -> str:
        """What S3 calls the object: the MD5 of its bytes, or of its parts' MD5s. Encrypting services do otherwise."""
        if is_multipart:
            return f'"{_md5(b"".join(self._md5s)).hex()}-{len(self._md5s)}"'
        return f'"{self._md5s[0].hex() if self._md5s else _md5(b"").hex()}"'


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


class SourceBroke(Exception):
    """Told to whoever takes the parts; the source's own error goes to whoever gave them."""


def pushed(put: Callable[[Iterator[bytes]], Answer], parts: Iterable[bytes]) -> Answer:
    """`put` in a thread of its own, given the parts from this one.

    obstore iterates inside its runtime, where no other call of it can be made; and what the parts are made of may be
    another object of the same store.
    """
    belt: Queue[bytes | SourceBroke | None] = Queue(maxsize=1)

    def taken() -> Iterator[bytes]:
        while (part := belt.get()) is not None:
            if isinstance(part, SourceBroke):
                raise part
            yield part

    with ThreadPoolExecutor(1, "upload") as pool:
        putting = pool.submit(put, taken())
        try:
            for part in parts:
                if not _laid(belt, part, putting):
                    break
        except BaseException:
            _laid(belt, SourceBroke(), putting)
            wait([putting])
            raise
        _laid(belt, None, putting)
        return putting.result()


def _laid(
    belt: "Queue[bytes | SourceBroke | None]", part: bytes | SourceBroke | None, putting: "Future[Answer]"
) -> bool:
    """Whether it could be laid on the belt before the other end stopped."""
    while not putting.done():
        with suppress(Full):
            belt.put(part, timeout=POLL_S)
            return True
    return False
