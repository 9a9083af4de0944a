"""WebVTT: HH:MM:SS.mmm, and markup in the text made harmless."""

from html import escape

from jobs.transcript import Transcript
from web.formats.clock import stamp
from web.formats.cues import cues

ARROW = "-->"


def render(transcript: Transcript) -> str:
    blocks = ["WEBVTT\n"]
    for cue in cues(transcript):
        text = escape("\n".join(cue.lines).replace(ARROW, "->"), quote=False)
        blocks.append(f"{stamp(cue.start_ms, '.')} {ARROW} {stamp(cue.end_ms, '.')}\n{text}\n")
    return "\n".join(blocks)
