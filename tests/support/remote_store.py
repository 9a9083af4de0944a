"""A front end that serves its store to workers elsewhere, one for all tests of it, and stores that talk to it."""

import atexit
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from pathlib import Path

from jobs.store import AudioStore
from jobs.store.cache import FileCache
from jobs.store.front_end import FrontEnd
from jobs.store.interface import ObjectInfo
from jobs.store.remote import RemoteStore
from tests.integration.api.server import WebServer

TOKEN = "a-token/of+tests"
#: nobody listens there: the store needs no Redis
NO_REDIS = "redis://127.0.0.1:1/0"


@cache
def front_end_of_workers() -> WebServer:
    """Started once; its objects are kept apart by their names."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    return stack.enter_context(WebServer(folder, redis_url=NO_REDIS, worker_token=TOKEN))


@contextmanager
def remote_store(url: str, token: str) -> Iterator[RemoteStore]:
    with tempfile.TemporaryDirectory() as folder, FrontEnd(url, token) as front_end:
        yield RemoteStore(front_end, FileCache(Path(folder)))


class Below:
    """The part of a store below a folder, as a store of its own."""

    def __init__(self, store: AudioStore, folder: str) -> None:
        self._store = store
        self._folder = folder

    def write(self, name: str, chunks: Iterable[bytes], *, sync: bool = False) -> int:
        return self._store.write(self._folder + name, chunks, sync=sync)

    def read(self, name: str) -> bytes:
        return self._store.read(self._folder + name)

    def chunks(self, name: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        return self._store.chunks(self._folder + name, start, stop)

    def copy(self, name: str, to: str) -> None:
        self._store.copy(self._folder + name, self._folder + to)

    def local_file(self, name: str) -> AbstractContextManager[Path]:
        return self._store.local_file(self._folder + name)

    def info(self, name: str) -> ObjectInfo:
        return self._within(self._store.info(self._folder + name))

    def exists(self, name: str) -> bool:
        return self._store.exists(self._folder + name)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return map(self._within, self._store.list(self._folder + prefix))

    def delete(self, name: str) -> None:
        self._store.delete(self._folder + name)

    def delete_all(self, prefix: str) -> int:
        return self._store.delete_all(self._folder + prefix)

    def check(self) -> int:
        return self._store.check()

    def _within(self, found: ObjectInfo) -> ObjectInfo:
        return ObjectInfo(found.name.removeprefix(self._folder), found.size_bytes, found.modified_at)
