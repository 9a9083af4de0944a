"""The store in a bucket of S3, or of a service that speaks its protocol (MinIO, Ceph, Garage …).

obstore (the Rust library object_store) does the talking: signed requests, retries with growing pauses, multipart
uploads that are aborted when they fail. It runs threads of its own, so a process that has used a store must not fork.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jobs.belt import Belt
from jobs.errors import ObjectMissing, SetupError, StoreFull, StoreRefused, StoreUnavailable
from jobs.store.cache import FileCache, default_folder
from jobs.store.interface import ObjectInfo
from jobs.store.names import checked
from jobs.store.parts import PART_BYTES, Parts

PIECE_BYTES = 1 << 20
#: one request's share of an object that is read: what a slow line gives within REQUEST_S
STRETCH_BYTES = 2 << 20
#: the most that one CopyObject copies
COPY_BYTES = 5 << 30
#: parts on their way at a time
CONCURRENT_PARTS = 2
LIST_PAGE = 1000
PROBE = "probe"

#: one request with its body, and of that the connection
REQUEST_S, CONNECT_S = 60.0, 5.0
#: nothing is repeated after this long: whoever asked knows better ways to wait
RETRY_S = 20.0
RETRIES = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
#: the same for a check, which says how the store is now
HASTY_S = 5.0

#: what services say when they have no room left (Amazon's always has)
FULL = ("StorageFull", "QuotaExceeded", "InsufficientStorage", "507 Insufficient Storage")
#: what no later attempt changes
REFUSED = ("NoSuchBucket", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "403 Forbidden")
#: any other 404 comes from something in between, or says that the bucket is gone: then nothing is known of the object
MISSING = "NoSuchKey"
BEYOND_THE_END = "416 Range Not Satisfiable"


class BucketStore:
    """Objects below a prefix of one bucket. An upload appears when its last request is answered, whole."""

    def __init__(self, url: str, cache: FileCache, *, is_hasty: bool = False) -> None:
        """Talks to nobody. is_hasty: gives up after one attempt of some seconds. Raises SetupError."""
        parts = urlsplit(url)
        if not parts.netloc or parts.query or parts.fragment:
            raise SetupError(
                f"TINGXIE_STORE_URL {url!r} names no bucket", remedy="Use s3://bucket or s3://bucket/prefix."
            )
        self._url = url
        self._cache = cache
        self._client = _client(parts.netloc, parts.path.strip("/"), is_hasty=is_hasty)
        self._obstore = import_module("obstore")
        self._hasty = self if is_hasty else BucketStore(url, cache, is_hasty=True)
        self._pid: int | None = None
        #: whether an ETag was an MD5 so far, of objects sent whole and in parts
        self._knows_etags: set[bool] = set()

    @classmethod
    def open(cls, url: str) -> "BucketStore":
        return cls(url, FileCache(default_folder()))

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> int:
        key, parts = checked(name), Parts(chunks)
        first = next(parts, b"")
        is_multipart = len(first) == PART_BYTES
        with self._translated(name):
            if is_multipart:
                answer = self._pushed(key, chain([first], parts))
            else:
                answer = self._obstore.put(self._client, key, first, use_multipart=False)
        self._check_etag(name, answer["e_tag"], parts, is_multipart=is_multipart)
        if (sync or is_multipart) and self.info(name).size_bytes != parts.size_bytes:
            raise StoreUnavailable(f"{name}: the store holds less than was sent")
        return parts.size_bytes

    def read(self, name: str) -> bytes:
        with self._translated(name):
            return bytes(self._obstore.get(self._client, checked(name)).bytes())

    def chunks(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        for stretch in self._stretches(name, start, stop):
            for offset in range(0, len(stretch), PIECE_BYTES):
                yield stretch[offset : offset + PIECE_BYTES]

    def copy(self, name: str, to: str) -> None:
        source = self.info(name)
        if source.size_bytes > COPY_BYTES:
            self.write(to, self.chunks(name), sync=True)
            return
        with self._translated(name):
            self._obstore.copy(self._client, checked(name), checked(to))
        if self.info(to).size_bytes != source.size_bytes:
            raise StoreUnavailable(f"{to}: the store holds less than was copied")

    @contextmanager
    def local_file(self, name: str, on_piece: Callable[[], None] = lambda: None) -> Iterator[Path]:
        found = self._head(name)
        key = f"{self._url} {checked(name)} {found['size']} {found['e_tag']} {found['last_modified']}"
        with self._cache.file(key, found["size"], lambda: self._stretches(name, 0), on_piece) as path:
            yield path

    def info(self, name: str) -> ObjectInfo:
        found = self._head(name)
        return ObjectInfo(name, found["size"], found["last_modified"].timestamp())

    def exists(self, name: str) -> bool:
        try:
            self._head(name)
        except ObjectMissing:
            return False
        return True

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        with self._translated(prefix):
            for page in self._obstore.list(self._client, checked(prefix) if prefix else None, chunk_size=LIST_PAGE):
                for each in page:
                    yield ObjectInfo(each["path"], each["size"], each["last_modified"].timestamp())

    def delete(self, name: str) -> None:
        with self._translated(name):
            self._obstore.delete(self._client, checked(name))

    def delete_all(self, prefix: str) -> int:
        names = [each.name for each in self.list(prefix)]
        with self._translated(prefix):
            if names:
                self._obstore.delete(self._client, names)
        return len(names)

    def tidy(self) -> None:
        self._cache.tidy()

    def check(self) -> int:
        hasty, name = self._hasty, f"{PROBE}/{secrets.token_hex(4)}"
        hasty.write(name, [b"tingxie"], sync=True)
        if hasty.read(name) != b"tingxie" or name not in {each.name for each in hasty.list(f"{PROBE}/")}:
            raise StoreUnavailable("the store doesn't give back what was written")
        hasty.delete(name)
        if hasty.exists(name):
            raise StoreUnavailable("the store doesn't remove what was deleted")
        return -1

    def _pushed(self, key: str, parts: Iterable[bytes]) -> Any:
        """The service's answer to all of them.

        obstore iterates inside its runtime, where no other call of it can be made; and what the parts are made of may
        be another object of the same store.
        """
        with Belt(partial(self._put_parts, key), "upload") as belt:
            for part in parts:
                if not belt.lay(part):
                    break
            return belt.end()

    def _put_parts(self, key: str, parts: Iterator[bytes]) -> Any:
        return self._obstore.put(self._client, key, parts, chunk_size=PART_BYTES, max_concurrency=CONCURRENT_PARTS)

    def _check_etag(self, name: str, etag: str, parts: Parts, *, is_multipart: bool) -> None:
        """Raises StoreUnavailable, and removes the object, where it isn't what was sent.

        Where a service's ETags never are MD5s, they tell nothing; the requests' own checksums were looked at by it.
        """
        if etag == parts.etag(is_multipart=is_multipart):
            self._knows_etags.add(is_multipart)
        elif is_multipart in self._knows_etags:
            self.delete(name)
            raise StoreUnavailable(f"{name}: the store holds something else than was sent")

    def _stretches(self, name: str, start: int, stop: int | None = None) -> Iterator[bytes]:
        """[start, stop), each stretch in a request of its own: with all of its time, and repeated by itself.

        All are of one object: where it is replaced meanwhile, StoreUnavailable.
        """
        options: dict[str, Any] = {}
        end = start + 1 if stop is None else min(stop, start + 1)
        while start < end:
            upto = start + STRETCH_BYTES if stop is None else min(stop, start + STRETCH_BYTES)
            with self._translated(name):
                try:
                    answer = self._obstore.get(self._client, checked(name), options={"range": (start, upto), **options})
                    stretch = bytes(answer.bytes())
                except self._errors as error:
                    if BEYOND_THE_END in str(error):
                        return
                    raise
            options["if_match"] = answer.meta["e_tag"]
            end = answer.meta["size"] if stop is None else min(stop, answer.meta["size"])
            start += len(stretch)
            yield stretch

    def _head(self, name: str) -> Any:
        with self._translated(name):
            try:
                return self._obstore.head(self._client, checked(name))
            except FileNotFoundError:
                # An answer to HEAD has no body: what it is that is missing, the object or the bucket, a GET tells.
                self._obstore.get(self._client, checked(name), options={"range": (0, 1)})
                return self._obstore.head(self._client, checked(name))  # it was written just now

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        """Turn obstore's errors into ours, the cause kept."""
        if self._pid not in (None, os.getpid()):
            raise RuntimeError("obstore was used before this process was forked, and would wait for ever")
        self._pid = os.getpid()
        try:
            yield
        except (self._errors, OSError) as error:
            raise _ours(name, error) from error

    @property
    def _errors(self) -> type[Exception]:
        return self._obstore.exceptions.BaseError  # type: ignore[no-any-return]


def _client(bucket: str, prefix: str, *, is_hasty: bool) -> Any:
    """obstore takes endpoint, region and credentials from the usual variables (AWS_…). Raises SetupError."""
    try:
        obstore = import_module("obstore.store")
    except ImportError as error:
        raise SetupError("s3:// needs obstore", remedy="Install it: pip install 'tingxie[s3]'.") from error
    request_s = HASTY_S if is_hasty else REQUEST_S
    try:
        return obstore.S3Store(
            bucket,
            prefix=prefix or None,
            checksum_algorithm="SHA256",
            client_options={
                "allow_http": True,  # where the endpoint's URL says so
                "timeout": timedelta(seconds=request_s),
                "connect_timeout": timedelta(seconds=CONNECT_S),
            },
            retry_config={
                "max_retries": 0 if is_hasty else RETRIES,
                "retry_timeout": timedelta(seconds=RETRY_S),
                "backoff": {
                    "init_backoff": timedelta(seconds=FIRST_PAUSE_S),
                    "max_backoff": timedelta(seconds=LONGEST_PAUSE_S),
                    "base": 2,
                },
            },
        )
    except Exception as error:  # obstore's own kinds, and ValueError
        raise SetupError(f"s3://{bucket} can't be used: {_reason(error)}") from error


def _ours(name: str, error: Exception) -> ObjectMissing | StoreUnavailable:
    text = str(error)
    if MISSING in text:
        return ObjectMissing(f"{name} is not in the store")
    if any(word in text for word in FULL):
        return StoreFull(f"{name}: {_reason(error)}")
    if any(word in text for word in REFUSED):
        return StoreRefused(f"{name}: {_reason(error)}")
    return StoreUnavailable(f"{name}: {_reason(error)}")


def _reason(error: Exception) -> str:
    """What the service or the network said, without addresses: a client of ours may read it."""
    text = str(error)
    if said := re.search(r"<Code>(\w+)</Code>", text):
        return said[1]
    if of_system := re.search(r'message: "([^"]+)"', text):
        return of_system[1]
    return text.splitlines()[0].rpartition(" - ")[2] if text else type(error).__name__
