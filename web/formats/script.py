"""A stored transcript in another script, rewritten a piece at a time: its chars never become objects all at once."""

import json
from collections.abc import Iterator

from jobs.script import Script, in_script, respell
from web.formats.document import elements, split


def rewrite(stored: bytes, script: Script) -> bytes:
    """The document in the shape in which finish writes it. Raises ObjectCorrupt for bytes of another shape."""
    head, words, chars = split(stored)
    opening = in_script(head, script).model_dump_json(exclude={"words", "chars"}).encode()
    return b"".join(
        (opening[:-1], b',"words":', *_array(stored, words, script), b',"chars":', *_array(stored, chars, script), b"}")
    )


def _array(stored: bytes, begin: int | None, script: Script) -> Iterator[bytes]:
    if begin is None:
        yield b"null"
        return
    texts = iter(respell([element["text"] for element in elements(stored, begin)], script))
    separator = b"["
    for element in elements(stored, begin):
        yield (
            separator + json.dumps({**element, "text": next(texts)}, ensure_ascii=False, separators=(",", ":")).encode()
        )
        separator = b","
    yield b"[]" if separator == b"[" else b"]"
