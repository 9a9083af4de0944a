"""How wide text is on a screen: full-width characters take two columns, combining marks none."""

import unicodedata
from functools import lru_cache


def columns(text: str) -> int:
    return sum(map(_columns_of, text))


@lru_cache(maxsize=8192)
def _columns_of(character: str) -> int:
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 0 if unicodedata.combining(character) else 1
