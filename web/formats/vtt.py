"""WebVTT: HH:MM:SS.mmm, and markup in the text made harmless."""

from collections.abc import Iterator
from html import escape

from web.formats.clock import stamp
from web.formats.cues import cues
from web.formats.document import Document
from web.formats.tokens import CueShape

ARROW = "-->"


def render(document: Document, shape: CueShape | None = None) -> Iterator[str]:
    yield "WEBVTT\n"
    for cue in cues(document, shape):
        text = escape("\n".join(cue.lines).replace(ARROW, "->"), quote=False)
        yield f"\n{stamp(cue.start_ms, '.')} {ARROW} {stamp(cue.end_ms, '.')}\n{text}\n"
