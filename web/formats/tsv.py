"""Tab-separated: start and end in whole milliseconds, and the text, a segment a line."""

from collections.abc import Iterator

from web.formats.clock import milliseconds
from web.formats.document import Document


def render(document: Document) -> Iterator[str]:
    yield "start\tend\ttext\n"
    for segment in document.segments:
        text = " ".join(segment.text.split())
        yield f"{milliseconds(segment.start_s)}\t{milliseconds(segment.end_s)}\t{text}\n"
