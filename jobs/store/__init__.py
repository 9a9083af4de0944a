"""The audio store: uploads, window objects and transcripts, behind one small interface with a URL setting."""

from collections.abc import Callable

from jobs.errors import SetupError
from jobs.store.folder import FolderStore
from jobs.store.interface import AudioStore, Stored

__all__ = ["AudioStore", "FolderStore", "Stored", "open_store"]


def _open_folder(url: str) -> AudioStore:
    return FolderStore.open(url.removeprefix("file://"))


#: what opens a URL of each scheme, without talking to anybody; what it needs it imports then
OPENERS: dict[str, Callable[[str], AudioStore]] = {
    "file": _open_folder,
}


def open_store(url: str) -> AudioStore:
    """The store that `url` names (`file:///folder`); raises SetupError for a scheme that isn't known."""
    opener = OPENERS.get(url.partition("://")[0])
    if opener is None:
        raise SetupError(f"TINGXIE_STORE_URL {url!r} isn't a store this version knows", remedy="Use file:///a/folder.")
    return opener(url)
