"""A transcript as formats read it: the segments, and their finest timed parts one by one, never all in memory.

Ten hours of speech are 160,000 chars: as objects they would take more memory than the whole front end has.
"""

import codecs
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jobs.errors import ObjectCorrupt
from jobs.transcript import Segment, Transcript

#: As pydantic writes a Transcript. Within a text the quotes would be escaped, so neither occurs there.
_WORDS = b',"words":['
_CHARS = b',"chars":['
_PIECE_BYTES = 64 * 1024


class Timed(NamedTuple):
    """A char, or a word where there are no chars. Seconds from the start of the audio."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Document:
    """`timed` starts anew with each call: the chars in order, else the words."""

    text: str
    segments: Sequence[Segment]
    timed: Callable[[], Iterator[Timed]]


def parse(stored: bytes) -> Document:
    """A transcript as finish wrote it to the store. Raises ObjectCorrupt for bytes of another shape."""
    head, words, chars = split(stored)
    begin = words if chars is None or stored.startswith(b"]", chars) else chars
    return Document(head.text, head.segments, lambda: _timed(stored, begin))


def split(stored: bytes) -> tuple[Transcript, int, int | None]:
    """The transcript without words and chars, and where the first of each begins; None where there are no chars.

    Raises ObjectCorrupt for bytes of another shape.
    """
    words = stored.find(_WORDS)
    if words < 0:
        raise ObjectCorrupt("the stored transcript isn't one")
    head = Transcript.model_validate_json(stored[:words] + b',"words":[],"chars":null}')
    chars = stored.find(_CHARS, words)
    return head, words + len(_WORDS), None if chars < 0 else chars + len(_CHARS)


def elements(stored: bytes, begin: int) -> Iterator[dict[str, Any]]:
    """The objects of the array whose first one begins at `begin`, a piece of JSON at a time."""
    decode, text = json.JSONDecoder().raw_decode, ""
    for piece in codecs.iterdecode(_pieces(stored, begin), "utf-8"):
        text += piece
        at = 0
        while text[at : at + 1] not in ("]", ""):
            try:
                found, end = decode(text, at)
            except json.JSONDecodeError:  # the rest of this object is in the next piece
                break
            yield found
            at = end + 1 if text[end : end + 1] == "," else end
        if text[at : at + 1] == "]":
            return
        text = text[at:].removeprefix(",")
    raise ObjectCorrupt("the stored transcript is cut off")


def _timed(stored: bytes, begin: int) -> Iterator[Timed]:
    return (Timed(found["text"], found["start_s"], found["end_s"]) for found in elements(stored, begin))


def _pieces(stored: bytes, begin: int) -> Iterator[bytes]:
    for start in range(begin, len(stored), _PIECE_BYTES):
        yield stored[start : start + _PIECE_BYTES]
