"""The audio store: uploads, window objects and transcripts, behind one small interface with a URL setting."""

from jobs.errors import SetupError
from jobs.store.folder import FolderStore
from jobs.store.interface import AudioStore, Stored

__all__ = ["AudioStore", "FolderStore", "Stored", "open_store"]


def open_store(url: str) -> AudioStore:
    """The store that `url` names (`file:///folder`); raises SetupError for a scheme that isn't known."""
    scheme, _, path = url.partition("://")
    if scheme == "file":
        return FolderStore.open(path)
    raise SetupError(f"TINGXIE_STORE_URL {url!r} isn't a store this version knows", remedy="Use file:///a/folder.")
