"""Text made comparable: what two people would write differently for the same speech is written alike."""

import unicodedata
from functools import lru_cache
from typing import Any


def normalise(text: str) -> str:
    """NFKC, simplified characters (OpenCC), lower case, no punctuation, words parted by one space.

    The same is done to the reference and to what was heard.
    """
    simplified: str = _to_simplified().convert(unicodedata.normalize("NFKC", text))
    kept = "".join(" " if unicodedata.category(char)[0] in "PSZC" else char for char in simplified.lower())
    return " ".join(kept.split())


def without_spaces(text: str) -> str:
    """For rates of characters: spaces are no speech."""
    return "".join(text.split())


@lru_cache
def _to_simplified() -> Any:
    from opencc import OpenCC  # noqa: PLC0415 (40 ms, and only this command needs it)

    return OpenCC("t2s")
