"""Transcripts in other Chinese scripts: by phrase, with every char in its place."""

import pytest

from jobs.errors import ObjectCorrupt
from jobs.script import Script, convert, in_script
from jobs.transcript import Char, Segment, Transcript, Word
from web.formats import srt
from web.formats.document import parse
from web.formats.script import rewrite

#: 发 is 髮 in 头发 and 發 in 发展; 里 is 裏 inside and stays in 公里
SIMPLIFIED = "头发发展里面公里"


def transcript(text: str = SIMPLIFIED, *, chars: bool = True) -> Transcript:
    return Transcript(
        job_id="j",
        model="m",
        revision="r",
        language="zh",
        duration_s=8.0,
        text=text,
        confidence=0.5,
        segments=[Segment(id=0, start_s=0, end_s=len(text), text=text, channel=1)],
        words=[Word(text=text, start_s=0, end_s=len(text))],
        chars=[Char(text=char, start_s=at, end_s=at + 1) for at, char in enumerate(text)] if chars else None,
    )


@pytest.mark.parametrize(
    ("script", "text"),
    [("s2t", "頭髮發展裏面公里"), ("tw", "頭髮發展裡面公里"), ("hk", "頭髮發展裏面公里"), ("t2s", SIMPLIFIED)],
)
def test_phrases_decide(script: Script, text: str) -> None:
    assert convert(SIMPLIFIED, script) == text
    converted = in_script(transcript(), script)
    assert converted.text == converted.segments[0].text == converted.words[0].text == text
    assert "".join(char.text for char in converted.chars or []) == text
    assert [char.start_s for char in converted.chars or []] == list(range(len(text)))
    assert converted.segments[0].channel == 1


@pytest.mark.parametrize("chars", [True, False])
@pytest.mark.parametrize("text", [SIMPLIFIED, "", 'quo"te\\头发'])
def test_the_front_end_rewrites_what_is_stored_to_the_same(text: str, *, chars: bool) -> None:
    original = transcript(text, chars=chars)
    rewritten = rewrite(original.model_dump_json().encode(), "s2t")
    assert Transcript.model_validate_json(rewritten) == in_script(original, "s2t")
    assert parse(rewritten).text == convert(text, "s2t")


def test_formats_can_be_made_of_it() -> None:
    stored = rewrite(transcript().model_dump_json().encode(), "tw")
    assert "頭髮發展裡面公里"[:4] in "".join(srt.render(parse(stored)))


def test_bytes_of_another_shape_are_refused() -> None:
    with pytest.raises(ObjectCorrupt):
        rewrite(b"{}", "s2t")
