"""Plain text: all in one line, or in paragraphs that say when they start."""

from collections.abc import Iterator

from jobs.transcript import Segment
from web.formats.clock import hours_minutes_seconds
from web.formats.columns import columns
from web.formats.document import Document

#: A new paragraph begins after a silence of this length, or once the paragraph has grown this long.
PARAGRAPH_PAUSE_S = 2.0
PARAGRAPH_LENGTH_S = 60.0
PARAGRAPH_COLUMNS = 600


def render(document: Document) -> Iterator[str]:
    """The text, and a newline where there is any."""
    if document.text:
        yield document.text + "\n"


def render_paragraphs(document: Document) -> Iterator[str]:
    """`[HH:MM:SS] text`, a blank line between paragraphs; a segment's pause shows as a space."""
    paragraph: list[Segment] = []
    gap = ""
    for segment in document.segments:
        if paragraph and _starts_anew(paragraph, segment):
            yield gap + _spell(paragraph)
            paragraph, gap = [], "\n"
        paragraph.append(segment)
    if paragraph:
        yield gap + _spell(paragraph)


def _starts_anew(paragraph: list[Segment], following: Segment) -> bool:
    return (
        following.start_s - paragraph[-1].end_s >= PARAGRAPH_PAUSE_S
        or following.end_s - paragraph[0].start_s > PARAGRAPH_LENGTH_S
        or sum(columns(segment.text) for segment in paragraph) > PARAGRAPH_COLUMNS
    )


def _spell(segments: list[Segment]) -> str:
    text = " ".join(" ".join(segment.text.split()) for segment in segments)
    return f"[{hours_minutes_seconds(int(segments[0].start_s))}] {text}\n"
