"""WebVTT: HH:MM:SS.mmm, and markup in the text made harmless."""

from collections.abc import Iterator
from html import escape

from web.formats.clock import stamp
from web.formats.cues import cues
from web.formats.document import Document

ARROW = "-->"


def render(document: Document) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue in cues(document):
        text = escape("\n".join(cue.lines).replace(ARROW, "->"), quote=False)
        yield f"\n{stamp(cue.start_ms, '.')} {ARROW} {stamp(cue.end_ms, '.')}\n{text}\n"
