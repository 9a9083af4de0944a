"""Content-Disposition of what a browser saves."""

from pathlib import PurePath
from urllib.parse import quote

from jobs.submission import NAMELESS


def attachment(filename: str, extension: str = "") -> str:
    """In plain ASCII, with the whole name beside it for clients that know RFC 6266. `extension` replaces the name's."""
    name = f"{PurePath(filename).stem or NAMELESS}.{extension}" if extension else filename
    plain = "".join(c if c.isascii() and (c.isalnum() or c in " .-_()") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
