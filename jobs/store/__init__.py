"""The audio store: uploads, window objects and transcripts, behind one small interface with a URL setting."""

from collections.abc import Callable

import structlog

from jobs.apart import apart
from jobs.errors import SetupError, StoreFull, StoreRefused
from jobs.store.folder import FolderStore
from jobs.store.interface import AudioStore
from jobs.store.measured import Measured, Stored

__all__ = ["AudioStore", "FolderStore", "Measured", "Stored", "open_store", "usable_store"]

log = structlog.get_logger()

CORRECT = "Correct TINGXIE_STORE_URL, the credentials (AWS_…), or what they may do (docs/operations.md)."


def _open_folder(url: str) -> AudioStore:
    return FolderStore.open(url.removeprefix("file://"))


def _open_remote(url: str) -> AudioStore:
    from jobs.store.remote import RemoteStore  # noqa: PLC0415 (httpx: only where it is used)

    return RemoteStore.open(url)


def _open_bucket(url: str) -> AudioStore:
    from jobs.store.s3 import BucketStore  # noqa: PLC0415 (a library that only this store needs)

    return BucketStore.open(url)


#: what opens a URL of each scheme, without talking to anybody; what it needs it imports then
OPENERS: dict[str, Callable[[str], AudioStore]] = {
    "file": _open_folder,
    "http": _open_remote,
    "https": _open_remote,
    "s3": _open_bucket,
}


def open_store(url: str) -> AudioStore:
    """The store that `url` names (`file:///folder`, `s3://bucket/prefix`). Raises SetupError."""
    opener = OPENERS.get(url.partition("://")[0])
    if opener is None:
        raise SetupError(
            f"TINGXIE_STORE_URL {url!r} isn't a store this version knows",
            remedy="Use file:///a/folder or s3://bucket/prefix.",
        )
    return opener(url)


def usable_store(url: str) -> AudioStore:
    """The same, once it has been written to and read from. Raises SetupError, StoreUnavailable where it is away.

    A full one is good enough to begin with.
    """
    apart(_try, url)
    return open_store(url)


def _try(url: str) -> None:
    try:
        open_store(url).check()
    except StoreFull as error:
        log.warning("store.full", detail=error.detail)
    except StoreRefused as error:
        raise SetupError(f"the store refuses this machine: {error.detail}", remedy=CORRECT) from error
