"""Plain text: all in one line, or in paragraphs that say when they start."""

from jobs.transcript import Segment, Transcript
from web.formats.clock import hours_minutes_seconds
from web.formats.columns import columns

#: A new paragraph begins after a silence of this length, or once the paragraph has grown this long.
PARAGRAPH_PAUSE_S = 2.0
PARAGRAPH_LENGTH_S = 60.0
PARAGRAPH_COLUMNS = 600


def render(transcript: Transcript) -> str:
    """The text, and a newline where there is any."""
    return transcript.text + "\n" if transcript.text else ""


def render_paragraphs(transcript: Transcript) -> str:
    """`[HH:MM:SS] text`, a blank line between paragraphs; a segment's pause shows as a space."""
    paragraphs: list[list[Segment]] = []
    for segment in transcript.segments:
        if not paragraphs or _starts_anew(paragraphs[-1], segment):
            paragraphs.append([])
        paragraphs[-1].append(segment)
    return "\n".join(map(_paragraph, paragraphs))


def _starts_anew(paragraph: list[Segment], following: Segment) -> bool:
    return (
        following.start_s - paragraph[-1].end_s >= PARAGRAPH_PAUSE_S
        or following.end_s - paragraph[0].start_s > PARAGRAPH_LENGTH_S
        or sum(columns(segment.text) for segment in paragraph) > PARAGRAPH_COLUMNS
    )


def _paragraph(segments: list[Segment]) -> str:
    text = " ".join(" ".join(segment.text.split()) for segment in segments)
    return f"[{hours_minutes_seconds(int(segments[0].start_s))}] {text}\n"
