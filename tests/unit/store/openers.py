"""Every kind of store, each opened empty for one test: what test_contract.py asks of all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from uuid import uuid4

from jobs.store import AudioStore, open_store
from tests.support.remote_store import TOKEN, Below, front_end_of_workers, remote_store
from tests.support.s3 import at_endpoint, s3_service

#: given a folder of the test, a store with nothing in it
Opener = Callable[[Path], AbstractContextManager[AudioStore]]


@contextmanager
def folder(path: Path) -> Iterator[AudioStore]:
    yield open_store(f"file://{path / 'store'}")


@contextmanager
def remote(path: Path) -> Iterator[AudioStore]:
    front_end = front_end_of_workers()
    with remote_store(front_end.url, TOKEN) as opened:
        yield Below(opened, f"jobs/{path.name}-{uuid4().hex}/")


@contextmanager
def bucket(path: Path) -> Iterator[AudioStore]:
    with at_endpoint(s3_service().endpoint):
        yield open_store(s3_service().url())


OPENERS: dict[str, Opener] = {
    "folder": folder,
    "remote": remote,
    "bucket": bucket,
}
