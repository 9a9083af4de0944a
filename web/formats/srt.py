"""SubRip: numbered from 1, HH:MM:SS,mmm."""

from jobs.transcript import Transcript
from web.formats.clock import stamp
from web.formats.cues import cues

ARROW = "-->"


def render(transcript: Transcript) -> str:
    blocks = []
    for number, cue in enumerate(cues(transcript), start=1):
        text = "\n".join(cue.lines).replace(ARROW, "->")
        blocks.append(f"{number}\n{stamp(cue.start_ms, ',')} {ARROW} {stamp(cue.end_ms, ',')}\n{text}\n")
    return "\n".join(blocks)
