"""Segments end at pauses and never inside a word; words lie between spaces."""

import numpy as np

from worker.segments import LONGEST_S, segment_stretches, word_stretches
from worker.stitch import Tokens
from worker.vocabulary import Vocabulary

TEXT = "你好吗我很 abcdefghij"
VOCABULARY = Vocabulary(("<pad>", "|", *TEXT.replace(" ", "")), "<pad>", "|", " ", frozenset({"<pad>"}))
FRAME_S = 0.02


def tokens(*timed: tuple[str, float]) -> Tokens:
    """Characters (a space is a delimiter) with their start in seconds; each is two frames long."""
    ids = np.array([1 if char == " " else VOCABULARY.tokens.index(char) for char, _ in timed])
    starts = np.array([round(start_s / FRAME_S) for _, start_s in timed])
    return Tokens(ids, starts, starts + 2, np.ones(len(ids)), np.zeros(0, np.bool_))


def segments(found: Tokens) -> list[str]:
    parts = segment_stretches(found, VOCABULARY, FRAME_S)
    return [VOCABULARY.text(found.ids[part.first : part.stop].tolist()) for part in parts]


def words(found: Tokens) -> list[str]:
    parts = word_stretches(found, VOCABULARY, segment_stretches(found, VOCABULARY, FRAME_S))
    return ["".join(VOCABULARY.char(token) for token in found.ids[part.first : part.stop].tolist()) for part in parts]


def test_no_tokens_make_no_segments() -> None:
    assert segments(tokens()) == []


def test_a_pause_ends_a_segment() -> None:
    assert segments(tokens(("你", 0), ("好", 0.2), ("吗", 1.4), ("我", 1.6))) == ["你好", "吗我"]


def test_a_pause_inside_a_word_does_not() -> None:
    assert segments(tokens(("a", 0), ("b", 1.0), (" ", 1.2), ("c", 2.5))) == ["ab", "c"]


def test_long_speech_without_pauses_is_cut_at_its_longest_gap_of_the_middle() -> None:
    timed = [("你", index * 0.2 + (0.1 if index >= 50 else 0)) for index in range(80)]
    assert [len(text) for text in segments(tokens(*timed))] == [50, 30]


def test_every_segment_is_short_enough_and_nothing_is_lost() -> None:
    timed = [("好", index * 0.2) for index in range(1000)]
    found = tokens(*timed)
    parts = segment_stretches(found, VOCABULARY, FRAME_S)
    assert [part.first for part in parts[1:]] == [part.stop for part in parts[:-1]]
    assert (parts[0].first, parts[-1].stop) == (0, 1000)
    assert max(part.stop - part.first for part in parts) * 0.2 <= LONGEST_S
    assert min(part.stop - part.first for part in parts) > 10


def test_a_long_word_stays_whole() -> None:
    assert segments(tokens(*[("a", index * 0.2) for index in range(200)])) == ["a" * 200]


def test_words_lie_between_spaces_and_chinese_has_one_for_each_segment() -> None:
    found = tokens(
        (" ", 0), ("a", 0.1), ("b", 0.2), (" ", 0.3), (" ", 0.4), ("c", 0.5), (" ", 0.6), ("你", 2), ("好", 2.2)
    )
    assert words(found) == ["ab", "c", "你好"]


def test_spaces_alone_are_no_segment() -> None:
    assert segments(tokens((" ", 0), (" ", 0.4))) == []
