"""SubRip: numbered from 1, HH:MM:SS,mmm."""

from collections.abc import Iterator

from web.formats.clock import stamp
from web.formats.cues import cues
from web.formats.document import Document

ARROW = "-->"


def render(document: Document) -> Iterator[str]:
    for number, cue in enumerate(cues(document), start=1):
        text = "\n".join(cue.lines).replace(ARROW, "->")
        gap = "\n" if number > 1 else ""
        yield f"{gap}{number}\n{stamp(cue.start_ms, ',')} {ARROW} {stamp(cue.end_ms, ',')}\n{text}\n"
