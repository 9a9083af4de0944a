"""Our subtitles as programs that aren't ours read them: pysubs2, webvtt-py, and ffmpeg's own demuxers and decoders."""

import html
from pathlib import Path

import av
import pysubs2
import pytest
import webvtt

from tests.unit.web.test_cues import spoken
from web.formats import srt, vtt
from web.formats.cues import Cue, cues
from web.formats.tokens import CueShape

SHAPES = [CueShape(), CueShape(20, 1)]

Read = tuple[int, int, tuple[str, ...]]


@pytest.fixture(params=[(seed, shape) for seed in range(5) for shape in SHAPES], ids=str)
def talk(request: pytest.FixtureRequest) -> tuple[list[Cue], str, str]:
    """Cues, and the two files that hold them."""
    seed, shape = request.param
    document = spoken(seed)
    made = list(cues(document, shape))
    assert made
    return made, "".join(srt.render(document, shape)), "".join(vtt.render(document, shape))


def as_read(made: list[Cue]) -> list[Read]:
    return [(cue.start_ms, cue.end_ms, cue.lines) for cue in made]


def test_pysubs2_reads_srt(talk: tuple[list[Cue], str, str]) -> None:
    made, text, _ = talk
    events = pysubs2.SSAFile.from_string(text, format_="srt").events
    assert [(event.start, event.end, tuple(event.plaintext.split("\n"))) for event in events] == as_read(made)


def test_webvtt_py_reads_vtt(talk: tuple[list[Cue], str, str]) -> None:
    made, _, text = talk
    captions = webvtt.from_string(text).captions
    found = [
        (round(1000 * each.start_in_seconds), round(1000 * each.end_in_seconds), tuple(map(html.unescape, each.lines)))
        for each in captions
    ]
    # Its seconds are whole ones.
    assert [(start // 1000, end // 1000, lines) for start, end, lines in found] == [
        (start // 1000, end // 1000, lines) for start, end, lines in as_read(made)
    ]
    stamps = [(each.start, each.end) for each in captions]
    assert all(f"{start} --> {end}" in text for start, end in stamps)


@pytest.mark.parametrize("form", ["srt", "webvtt"])
def test_ffmpeg_reads_both(form: str, talk: tuple[list[Cue], str, str], tmp_path: Path) -> None:
    made, srt_text, vtt_text = talk
    path = tmp_path / f"talk.{form}"
    path.write_text(srt_text if form == "srt" else vtt_text)
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert (container.format.name, stream.type) == (form, "subtitle")
        packets = [packet for packet in container.demux(stream) if packet.size]
        found = [
            (
                round(packet.pts * packet.time_base * 1000),
                round((packet.pts + packet.duration) * packet.time_base * 1000),
                tuple(html.unescape(bytes(packet).decode()).split("\n")),
            )
            for packet in packets
        ]
        decoded = [subtitle for packet in packets for subtitle in packet.decode()]
    assert found == as_read(made)
    assert len(decoded) == len(made)
