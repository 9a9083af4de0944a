"""The audio store: uploads, window objects and transcripts, behind one small interface with a URL setting."""

from collections.abc import Callable

from jobs.errors import SetupError
from jobs.store.folder import FolderStore
from jobs.store.interface import AudioStore, Stored

__all__ = ["AudioStore", "FolderStore", "Stored", "open_store", "usable_store"]


def _open_folder(url: str) -> AudioStore:
    return FolderStore.open(url.removeprefix("file://"))


def _open_remote(url: str) -> AudioStore:
    from jobs.store.remote import RemoteStore  # noqa: PLC0415 (httpx: only where it is used)

    return RemoteStore.open(url)


#: what opens a URL of each scheme, without talking to anybody; what it needs it imports then
OPENERS: dict[str, Callable[[str], AudioStore]] = {
    "file": _open_folder,
    "http": _open_remote,
    "https": _open_remote,
}


def open_store(url: str) -> AudioStore:
    """The store that `url` names (`file:///folder`); raises SetupError for a scheme that isn't known."""
    opener = OPENERS.get(url.partition("://")[0])
    if opener is None:
        raise SetupError(f"TINGXIE_STORE_URL {url!r} isn't a store this version knows", remedy="Use file:///a/folder.")
    return opener(url)


def usable_store(url: str) -> AudioStore:
    """The same, once it has been written to and read from. Raises SetupError, StoreUnavailable where it is away."""
    store = open_store(url)
    store.check()
    return store
