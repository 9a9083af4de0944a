"""Subtitle cues: two lines of 42 columns, 1 to 7 s, never two at once, and no character lost."""

import random
import string
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import ObjectCorrupt
from jobs.transcript import Char, Segment, Transcript, Word
from web.formats import srt, tsv, txt, vtt
from web.formats.columns import columns
from web.formats.cues import LONGEST_MS, SHORTEST_MS, Cue, cues
from web.formats.document import Document, parse
from web.formats.tokens import CueShape

HANZI = "今天我们去北京开会他说妈谢看三工人水火山"


def transcript(segments: list[Segment], chars: list[Char] | None = None, words: list[Word] | None = None) -> Document:
    return parse(written(segments, chars, words).model_dump_json().encode())


def written(segments: list[Segment], chars: list[Char] | None = None, words: list[Word] | None = None) -> Transcript:
    return Transcript(
        job_id="j",
        model="m",
        revision="r",
        language="zh",
        duration_s=segments[-1].end_s if segments else 0.0,
        text="".join(segment.text for segment in segments),
        confidence=None,
        segments=segments,
        words=words or [],
        chars=chars,
    )


def made_of(document: Document) -> list[Cue]:
    return list(cues(document))


def segment(number: int, start_s: float, end_s: float, text: str) -> Segment:
    return Segment(id=number, start_s=start_s, end_s=end_s, text=text)


def spoken(seed: int) -> Document:
    """A made-up talk: Chinese with a Latin word here and there, segments of 0.2 to 30 s, pauses of 0 to 3 s."""
    dice = random.Random(seed)
    now, segments, chars = 0.0, [], []
    for number in range(dice.randint(1, 12)):
        now += dice.choice([0.0, 0.1, 0.6, 3.0])
        start, text = now, ""
        for _ in range(dice.choice([1, 2, 10, 60, 120])):
            piece = dice.choice(HANZI) if dice.random() < 0.9 else f" {dice.choice(['AI', 'Beijing', 'x' * 50])} "
            text += piece
            step = dice.uniform(0.05, 0.3)
            chars.extend(
                Char(text=c, start_s=now + step * i / len(piece), end_s=now + step * (i + 0.5) / len(piece))
                for i, c in enumerate(piece)
            )
            now += step
        segments.append(segment(number, start, now, " ".join(text.split())))
    return transcript(segments, chars if dice.random() < 0.7 else None)


def letters(text: str) -> str:
    return "".join(text.split())


def room(made: list[Cue], number: int) -> int:
    """The time between the cues before and after: what a cue could at most have had."""
    before = made[number - 1].end_ms if number else 0
    after = made[number + 1].start_ms if number + 1 < len(made) else before + LONGEST_MS
    return after - before


@pytest.mark.parametrize("shape", [CueShape(), CueShape(20, 1), CueShape(32, 2), CueShape(64, 1)])
@pytest.mark.parametrize("seed", range(40))
def test_cues_keep_the_rules_and_every_letter(seed: int, shape: CueShape) -> None:
    talk = spoken(seed)
    made = list(cues(talk, shape))
    assert letters("".join("".join(cue.lines) for cue in made)) == letters("".join(s.text for s in talk.segments))
    for number, cue in enumerate(made):
        assert 1 <= len(cue.lines) <= shape.lines
        assert all(columns(line) <= shape.columns for line in cue.lines)
        assert cue.start_ms < cue.end_ms <= cue.start_ms + LONGEST_MS
        assert cue.end_ms - cue.start_ms >= SHORTEST_MS or room(made, number) < SHORTEST_MS
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(made))


@given(
    st.lists(
        st.tuples(
            st.floats(0, 4), st.floats(0, 40), st.text(st.sampled_from(HANZI + string.ascii_letters + " ，。<&>-"))
        ),
        max_size=8,
    )
)
def test_any_segments_give_cues_in_order(parts: list[tuple[float, float, str]]) -> None:
    now, segments = 0.0, []
    for number, (pause_s, length_s, text) in enumerate(parts):
        segments.append(segment(number, now + pause_s, now + pause_s + length_s, text))
        now += pause_s + length_s
    made = made_of(transcript(segments))
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(made))
    assert all(cue.start_ms < cue.end_ms <= cue.start_ms + LONGEST_MS and len(cue.lines) <= 2 for cue in made)


def test_a_cue_breaks_where_the_speaker_paused() -> None:
    text = "今" * 18 + "天" * 30
    starts = [0.1 * i + (0.8 if c == "天" else 0.0) for i, c in enumerate(text)]
    chars = [Char(text=c, start_s=at, end_s=at + 0.05) for c, at in zip(text, starts, strict=True)]
    made = made_of(transcript([segment(0, 0.0, 6.0, text)], chars))
    assert [letters("".join(cue.lines)) for cue in made] == ["今" * 18, "天" * 30]
    assert made[1].start_ms == 2600


def test_two_short_segments_without_room_become_one_cue() -> None:
    made = made_of(transcript([segment(0, 0.0, 0.4, "好"), segment(1, 0.4, 0.8, "OK"), segment(2, 5.0, 6.5, "再见")]))
    assert made == [Cue(0, 1000, ("好 OK",)), Cue(5000, 6500, ("再见",))]


def test_segments_that_overlap_give_cues_one_after_the_other() -> None:
    made = made_of(transcript([segment(0, 0.0, 3.0, "一"), segment(1, 2.0, 5.0, "二")]))
    assert made == [Cue(0, 2000, ("一",)), Cue(2000, 5000, ("二",))]


def test_segments_that_start_together_never_show_together() -> None:
    made = made_of(transcript([segment(0, 0.0, 6.0, "一" * 42), segment(1, 0.0, 6.0, "二" * 42)]))
    assert made[0].end_ms <= made[1].start_ms


def test_a_short_cue_borrows_from_the_silence_before_it() -> None:
    made = cues(
        transcript([segment(0, 0.0, 2.0, "一"), segment(1, 4.0, 4.2, "二" * 42), segment(2, 4.2, 6.0, "三" * 42)])
    )
    assert [(cue.start_ms, cue.end_ms) for cue in made] == [(0, 2000), (3200, 4200), (4200, 6000)]


def test_words_time_the_cues_where_there_are_no_chars() -> None:
    words = [Word(text="hello", start_s=1.0, end_s=1.4), Word(text="there", start_s=1.5, end_s=2.5)]
    made = made_of(transcript([segment(0, 1.0, 2.5, "hello there")], words=words))
    assert made == [Cue(1000, 2500, ("hello there",))]


def test_full_width_characters_take_two_columns() -> None:
    assert columns("今天") == 4
    assert columns("ab") == 2
    assert columns("e\u0301") == 1


TALK = transcript([segment(0, 0.0, 1.5, "今天 <b> --> & 好"), segment(1, 3661.25, 3663.0, "再见")])


def test_srt() -> None:
    assert "".join(srt.render(TALK)) == (
        "1\n00:00:00,000 --> 00:00:01,500\n今天 <b> -> & 好\n\n2\n01:01:01,250 --> 01:01:03,000\n再见\n"
    )


def test_vtt_escapes_markup() -> None:
    assert "".join(vtt.render(TALK)) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\n今天 &lt;b&gt; -&gt; &amp; 好\n\n"
        "01:01:01.250 --> 01:01:03.000\n再见\n"
    )


def test_tsv_is_in_milliseconds() -> None:
    talk = transcript([segment(0, 0.0005, 1.5, "a\tb\nc")])
    assert "".join(tsv.render(talk)) == "start\tend\ttext\n0\t1500\ta b c\n"


def test_txt_paragraphs_begin_after_a_silence() -> None:
    talk = transcript([segment(0, 0.0, 1.0, "一"), segment(1, 1.5, 2.0, "二"), segment(2, 3725.0, 3726.0, "三")])
    assert "".join(txt.render(talk)) == "一二三\n"
    assert "".join(txt.render_paragraphs(talk)) == "[00:00:00] 一 二\n\n[01:02:05] 三\n"


def test_silence_gives_empty_files() -> None:
    nothing = transcript([])
    assert ("".join(txt.render(nothing)), "".join(txt.render_paragraphs(nothing)), "".join(srt.render(nothing))) == (
        "",
        "",
        "",
    )
    assert "".join(vtt.render(nothing)) == "WEBVTT\n"
    assert "".join(tsv.render(nothing)) == "start\tend\ttext\n"


@pytest.mark.parametrize("count", [0, 1, 5000], ids=["none", "one", "over-several-pieces"])
@pytest.mark.parametrize("kind", ["chars", "words"])
def test_a_stored_transcript_is_read_piece_by_piece(count: int, kind: str) -> None:
    texts = ["今", '"', "\\", '],"chars":[', "},{", "\n", "😀"]
    parts = [(texts[n % len(texts)], 0.25 * n, 0.25 * n + 0.125) for n in range(count)]
    told = segment(0, 0.0, 9.0, 'a ,"words":[ b')
    if kind == "chars":
        chars = [Char(text=t, start_s=a, end_s=b) for t, a, b in parts]
        stored = written([told], chars, [Word(text="w", start_s=0.0, end_s=1.0)] if count else [])
    else:
        stored = written([told], None, [Word(text=t, start_s=a, end_s=b) for t, a, b in parts])
    document = parse(stored.model_dump_json().encode())
    assert list(document.timed()) == parts
    assert (document.text, list(document.segments)) == (stored.text, stored.segments)


@pytest.mark.parametrize("stored", [b"", b"{}", b"[1]"])
def test_something_else_in_place_of_a_transcript(stored: bytes) -> None:
    with pytest.raises(ObjectCorrupt):
        parse(stored)


def test_a_stored_transcript_that_is_cut_off() -> None:
    whole = written([], [Char(text="今", start_s=0.0, end_s=1.0)] * 10).model_dump_json().encode()
    with pytest.raises(ObjectCorrupt):
        list(parse(whole[:-20]).timed())
