"""Every kind of store, each opened empty for one test: what test_contract.py asks of all of them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from jobs.store import AudioStore, open_store

#: given a folder of the test, a store with nothing in it
Opener = Callable[[Path], AbstractContextManager[AudioStore]]


@contextmanager
def folder(path: Path) -> Iterator[AudioStore]:
    yield open_store(f"file://{path / 'store'}")


OPENERS: dict[str, Opener] = {
    "folder": folder,
}
