"""When a transcript counts as equal to what transformers gives, and when that means something."""

from itertools import pairwise

from jobs.transcript import Transcript
from tests.equality.reference import Reference

LEAST_DISTINCT = 10
LEAST_CHANGES_A_SECOND = 1.0


def assert_equal(ours: Transcript, theirs: Reference, timestamps: str) -> None:
    """Text and every timestamp, exactly. timestamps: `char` for CTC, else what was asked of Whisper."""
    assert ours.text == theirs.text.strip() if timestamps == "char" else ours.text == theirs.text
    if timestamps == "char":
        assert ours.chars is not None
        assert [(char.text, char.start_s, char.end_s) for char in ours.chars] == theirs.chunks
    elif timestamps != "none":
        # Without text there is no segment; a side that Whisper left open, or turned round, is closed by finish.
        found = [
            (part.text, part.start_s, part.end_s) for part in (ours.words if timestamps == "word" else ours.segments)
        ]
        expected = [(text.strip(), start, stop) for text, start, stop in theirs.chunks if text.strip()]
        assert [text for text, _, _ in found] == [text for text, _, _ in expected]
        for (_, start_s, stop_s), (_, their_start, their_stop) in zip(found, expected, strict=True):
            assert their_start is None or start_s == their_start
            assert their_stop is None or stop_s == max(start_s, their_stop)


def assert_meaningful(theirs: Reference, duration_s: float) -> None:
    """An equality of two texts that hardly change would show nothing ("" == "")."""
    text = theirs.text
    changes = sum(one != other for one, other in pairwise(text))
    assert len(set(text)) >= LEAST_DISTINCT, text
    assert changes >= LEAST_CHANGES_A_SECOND * duration_s, text
