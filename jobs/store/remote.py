"""The store behind the front end's HTTP, for workers on machines that don't have its folder (jobs/store/wire.py)."""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jobs.errors import ObjectMissing, SetupError, StoreUnavailable
from jobs.store import wire
from jobs.store.cache import FileCache, default_folder
from jobs.store.front_end import Away, FrontEnd, Refused
from jobs.store.interface import ObjectInfo
from jobs.store.measured import Measured, Stored

#: of a large object
CHUNK_BYTES = 1 << 20
PROBE = "probe/"


class RemoteStore:
    """Every call but the writing of a large object is repeated where the connection fails. Threads share it."""

    def __init__(self, front_end: FrontEnd, cache: FileCache) -> None:
        self._front_end = front_end
        self._cache = cache

    @classmethod
    def open(cls, url: str) -> "RemoteStore":
        """The front end at `url`, whose password is the worker token; nobody is asked. Raises SetupError."""
        parts = urlsplit(url)
        shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")
        if not parts.hostname:
            raise SetupError(f"TINGXIE_STORE_URL {shown!r} names no host", remedy="Use http://ADDRESS:PORT.")
        if not parts.password:
            raise SetupError(f"there is no token for the store at {shown}", remedy="Set TINGXIE_WORKER_TOKEN.")
        return cls(FrontEnd(shown, unquote(parts.password)), FileCache(default_folder()))

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> int:
        pieces, begun = iter(chunks), bytearray()
        for piece in pieces:
            begun += piece
            if len(begun) > CHUNK_BYTES:
                return self._write_large(name, chain([bytes(begun)], pieces), _synced(sync))
        first = bytes(begun)
        digest = hashlib.sha256(first).digest()
        headers = {wire.DIGEST: wire.content_digest(digest)}
        answer = self._front_end.call("PUT", _path(name), params=_synced(sync), content=first, headers=headers)
        return _agreed(name, Stored(len(first), digest.hex()), answer.json())

    def _write_large(self, name: str, pieces: Iterator[bytes], params: dict[str, str]) -> int:
        """Never whole in memory, so it isn't repeated: whoever writes it does all of its work again."""
        measured = Measured(pieces)

        def body() -> Iterator[bytes]:
            yield from measured
            yield measured.digest

        answer = self._front_end.call_once(
            "PUT", _path(name), params=params, content=body(), headers={"Content-Type": wire.APPENDED}
        )
        return _agreed(name, measured.stored, answer.json())

    def read(self, name: str) -> bytes:
        return b"".join(self._pieces(name, 0, None, wire.PIECE_BYTES))

    def chunks(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        return self._pieces(name, start, stop, CHUNK_BYTES)

    def _pieces(self, name: str, start: int, stop: int | None, most: int) -> Iterator[bytes]:
        """A piece is one call, so one that fails is repeated by itself. Raises ObjectMissing, also in mid-way."""
        while stop is None or start < stop:
            last = start + most if stop is None else min(start + most, stop)
            answer = self._front_end.call("GET", _path(name), headers={"Range": f"bytes={start}-{last - 1}"})
            if wire.DIGEST not in answer.headers:
                raise StoreUnavailable(f"{self._front_end.url} sent bytes without their digest")
            size = int(answer.headers[wire.SIZE])
            stop = size if stop is None else min(stop, size)
            if answer.content:
                yield answer.content
            start += len(answer.content)
            if not answer.content and start < stop:
                raise StoreUnavailable(f"{name}: nothing came of the bytes from {start} on")

    def copy(self, name: str, to: str) -> None:
        self._front_end.call("PUT", _path(to), params={"from": wire.checked(name)})

    @contextmanager
    def local_file(self, name: str, on_piece: Callable[[], None] = lambda: None) -> Iterator[Path]:
        found = self.info(name)
        key = f"{self._front_end.url} {name} {found.size_bytes} {found.modified_at}"
        with self._cache.file(key, found.size_bytes, lambda: self.chunks(name), on_piece) as path:
            yield path

    def info(self, name: str) -> ObjectInfo:
        headers = self._front_end.call("HEAD", _path(name)).headers
        return ObjectInfo(name, int(headers[wire.SIZE]), float(headers[wire.MODIFIED]))

    def exists(self, name: str) -> bool:
        try:
            self.info(name)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        count, told = 0, None
        for line in self._front_end.lines("/objects", params={"prefix": prefix}):
            told = json.loads(line)
            if isinstance(told, list):
                count += 1
                yield ObjectInfo(*told)
        if told != count:
            raise StoreUnavailable(f"{self._front_end.url} broke off its list of {prefix}")

    def delete(self, name: str) -> None:
        self._front_end.call("DELETE", _path(name))

    def delete_all(self, prefix: str) -> int:
        removed: int = self._front_end.call("DELETE", "/objects", params={"prefix": prefix}).json()["removed"]
        return removed

    def tidy(self) -> None:
        self._cache.tidy()

    def check(self) -> int:
        """Raises SetupError where it will never serve this worker: a wrong token, another version."""
        url = self._front_end.url
        try:
            about = self._front_end.call("GET", "/store").json()
            protocol, version = about["protocol"], about["version"]
        except Refused as error:
            raise SetupError(
                f"the store isn't served to this worker: {error.detail}",
                remedy="The front end and this worker must have the same TINGXIE_WORKER_TOKEN.",
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise SetupError(f"{url} isn't a front end of tingxie", remedy="Correct TINGXIE_STORE_URL.") from error
        if protocol != wire.PROTOCOL:
            raise SetupError(
                f"{url} serves its store in another way: it is tingxie {version}", remedy="Bring both to one version."
            )
        name = f"{PROBE}{secrets.token_hex(4)}"
        self.write(name, [b"tingxie"])
        if self.read(name) != b"tingxie":
            raise StoreUnavailable(f"{url} doesn't give back what was written")
        self.delete(name)
        return int(about["free_bytes"])


def _path(name: str) -> str:
    return "/objects/" + quote(wire.checked(name))


def _synced(sync: bool) -> dict[str, str]:
    return {"sync": "1"} if sync else {}


def _agreed(name: str, sent: Stored, kept: dict[str, Any]) -> int:
    if (kept.get("size_bytes"), kept.get("sha256")) != (sent.size_bytes, sent.sha256):
        raise Away(f"{name} isn't there as it was sent")
    return sent.size_bytes
