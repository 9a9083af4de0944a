"""Which names objects may have: relative, `/`-separated, inside the store."""

from pathlib import PurePosixPath


def checked(name: str) -> str:
    """The name, in its shortest spelling. Raises ValueError."""
    path = PurePosixPath(name)
    if not path.parts or ".." in path.parts or path.is_absolute():
        raise ValueError(f"not an object's name: {name!r}")
    return path.as_posix()
