"""The transcript of channels that were transcribed apart: interleaved by time, each segment with its channel."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from jobs.transcript import Char, Segment, Transcript
from tests.unit.model.test_finish import REQUEST, Recorder, payload, run, transcript_of, window
from web.formats.document import parse
from web.formats.tokens import segment_tokens
from worker.channels import interleaved
from worker.parts import Parts

#: a second of silence: at 20 ms a frame, longer than the pause that ends a segment
PAUSE = "_" * 50
LENGTH = 150 * 320
SPLIT = REQUEST.model_copy(update={"channels": "split"})


def test_two_speakers_take_turns(tmp_path: Path) -> None:
    asks, answers = "你好" + PAUSE + "_" * 50 + "吗" * 3, "_" * 4 + PAUSE + "我很好"
    rows = [
        (window(0, 0, LENGTH), payload(asks.ljust(150, "_"))),
        (window(1, LENGTH, 2 * LENGTH), payload(answers.ljust(150, "_"))),
    ]
    found = transcript_of(run(tmp_path, Recorder(rows), request=SPLIT, channels=2))
    assert [(part.id, part.channel, part.text) for part in found.segments] == [
        (0, 0, "你好"),
        (1, 1, "我很好"),
        (2, 0, "吗"),
    ]
    assert found.text == "你好\n我很好\n吗"
    assert found.duration_s == 3.0
    assert [char.text for char in found.chars or []] == list("你好我很好吗")
    assert [round(part.start_s, 2) for part in found.segments] == [0.0, 1.08, 2.04]


def test_the_script_is_applied_to_all_of_it(tmp_path: Path) -> None:
    rows = [(window(0, 0, 1600), payload("吗____"))]
    found = transcript_of(run(tmp_path, Recorder(rows), request=REQUEST.model_copy(update={"script": "s2t"})))
    assert (found.text, found.segments[0].text, (found.chars or [])[0].text) == ("嗎", "嗎", "嗎")


def talk(lengths: list[tuple[int, int]], first: int) -> Parts:
    """Segments of so many chars after pauses of so many tenths of a second; each char is told apart."""
    now, segments, chars = 0.0, [], []
    for number, (count, pause) in enumerate(lengths):
        now += pause / 10
        start = now
        texts = [chr(0x4E00 + first + len(chars) + step) for step in range(count)]
        chars += [
            Char(text=text, start_s=now + 0.1 * step, end_s=now + 0.1 * step + 0.1) for step, text in enumerate(texts)
        ]
        now += 0.1 * count
        segments.append(Segment(id=number, start_s=start, end_s=now, text="".join(texts)))
    return Parts("".join(each.text for each in segments), 0.5, segments, [], chars)


SEGMENTS = st.lists(st.tuples(st.integers(1, 12), st.integers(0, 30)), max_size=8)


@given(st.lists(SEGMENTS, min_size=1, max_size=4))
def test_nothing_is_lost_and_subtitles_find_each_char(channels: list[list[tuple[int, int]]]) -> None:
    parts = [talk(lengths, 1000 * number) for number, lengths in enumerate(channels)]
    joined = interleaved(parts)
    starts = [segment.start_s for segment in joined.segments]
    assert starts == sorted(starts)
    assert [segment.id for segment in joined.segments] == list(range(len(starts)))
    for number, part in enumerate(parts):
        mine = [segment for segment in joined.segments if segment.channel == number]
        assert [segment.text for segment in mine] == [segment.text for segment in part.segments]
    assert "".join(char.text for char in joined.chars or []) == "".join(each.text for each in joined.segments)
    times = {char.text: char.start_s for part in parts for char in part.chars or []}
    document = parse(transcript_with(joined).model_dump_json().encode())
    for segment, tokens in segment_tokens(document):
        assert "".join(token.text for token in tokens) == segment.text
        for token in tokens:
            assert abs(token.start_s - times[token.text[0]]) < 1e-6


def transcript_with(parts: Parts) -> Transcript:
    return Transcript(
        job_id="j", model="m", revision="r", language=None, duration_s=9.0, text=parts.text, confidence=None,
        segments=parts.segments, words=parts.words, chars=parts.chars,
    )  # fmt: skip
