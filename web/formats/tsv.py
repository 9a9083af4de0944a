"""Tab-separated: start and end in whole milliseconds, and the text, a segment a line."""

from jobs.transcript import Transcript
from web.formats.clock import milliseconds


def render(transcript: Transcript) -> str:
    rows = ["start\tend\ttext"]
    for segment in transcript.segments:
        text = " ".join(segment.text.split())
        rows.append(f"{milliseconds(segment.start_s)}\t{milliseconds(segment.end_s)}\t{text}")
    return "\n".join(rows) + "\n"
