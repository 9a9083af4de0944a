"""An upload in parts of one size, measured and hashed as they pass."""

import hashlib
from collections.abc import Iterable, Iterator

#: the least that S3 takes for a part, and it takes 10,000 of them: 52 GB
PART_BYTES = 5 << 20


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
