"""Stitching equals the tokenizer's own decoding, but for specials, which go after the collapse."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import Wav2Vec2CTCTokenizer

from worker.families.ctc_load import vocabulary_of
from worker.runs import Runs
from worker.stitch import stitch
from worker.vocabulary import Vocabulary

TOKENS = ["<pad>", "<s>", "</s>", "<unk>", "|", "妈", "谢", "a", "B", ".", "'", "ab"]
BLANK, START, MA, XIE = 0, 1, 5, 6
SCORES = len(TOKENS) + 2  # two ids more than the tokenizer knows


@pytest.fixture(scope="module", params=[False, True], ids=["as-is", "lower-case"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Wav2Vec2CTCTokenizer:
    path = tmp_path_factory.mktemp("tokenizer") / "vocab.json"
    path.write_text(json.dumps({token: number for number, token in enumerate(TOKENS)}))
    return Wav2Vec2CTCTokenizer(str(path), do_lower_case=request.param, clean_up_tokenization_spaces=request.param)


def runs_of(ids: list[int]) -> Runs:
    return Runs.of_frames(np.array(ids, np.int64), np.ones(len(ids)))


@given(st.lists(st.integers(0, SCORES - 1), min_size=1, max_size=60))
def test_text_and_offsets_equal_the_tokenizers(tokenizer: Wav2Vec2CTCTokenizer, ids: list[int]) -> None:
    vocabulary = vocabulary_of(tokenizer, SCORES)
    tokens = stitch([runs_of(ids[:7]), runs_of(ids[7:])], vocabulary)
    theirs = tokenizer.decode(np.array(ids), output_char_offsets=True)
    specials = {"<s>", "</s>", "<unk>"}
    expected = [
        (item["char"].lower() if tokenizer.do_lower_case else item["char"], item["start_offset"], item["end_offset"])
        for item in theirs["char_offsets"]
        if item["char"] not in specials
    ]
    chars = [vocabulary.char(token) for token in tokens.ids.tolist()]
    assert list(zip(chars, tokens.start_frames.tolist(), tokens.stop_frames.tolist(), strict=True)) == expected
    if len(expected) == len(theirs["char_offsets"]):
        assert vocabulary.text(tokens.ids.tolist()) == theirs["text"]


def test_true_doubles_survive_and_repeats_do_not(tokenizer: Wav2Vec2CTCTokenizer) -> None:
    vocabulary = vocabulary_of(tokenizer, SCORES)
    seam_inside = [runs_of([MA, MA, BLANK, MA]), runs_of([MA, BLANK, XIE]), runs_of([BLANK, XIE])]
    assert vocabulary.text(stitch(seam_inside, vocabulary).ids.tolist()) == "妈妈谢谢"


def test_specials_go_after_the_collapse(tokenizer: Wav2Vec2CTCTokenizer) -> None:
    """Were they dropped before, 妈 <s> 妈 would become one."""
    vocabulary = vocabulary_of(tokenizer, SCORES)
    assert vocabulary.text(stitch([runs_of([MA, START, MA])], vocabulary).ids.tolist()) == "妈妈"


def test_a_vocabulary_survives_the_store(tokenizer: Wav2Vec2CTCTokenizer, tmp_path: Path) -> None:
    vocabulary = vocabulary_of(tokenizer, SCORES)
    assert Vocabulary.from_json(vocabulary.to_json()) == vocabulary


def test_confidence_of_a_char_over_a_seam_is_the_mean_over_its_frames(tokenizer: Wav2Vec2CTCTokenizer) -> None:
    first = Runs.of_frames(np.array([MA, MA, MA]), np.array([1.0, 1.0, 1.0]))
    second = Runs.of_frames(np.array([MA]), np.array([0.0]))
    assert stitch([first, second], vocabulary_of(tokenizer, SCORES)).confidences.tolist() == [0.75]
