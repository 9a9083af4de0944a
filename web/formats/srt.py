"""SubRip: numbered from 1, HH:MM:SS,mmm."""

from collections.abc import Iterator

from web.formats.clock import stamp
from web.formats.cues import cues
from web.formats.document import Document
from web.formats.tokens import CueShape

ARROW = "-->"


def render(document: Document, shape: CueShape | None = None) -> Iterator[str]:
    for number, cue in enumerate(cues(document, shape), start=1):
        text = "\n".join(cue.lines).replace(ARROW, "->")
        gap = "\n" if number > 1 else ""
        yield f"{gap}{number}\n{stamp(cue.start_ms, ',')} {ARROW} {stamp(cue.end_ms, ',')}\n{text}\n"
