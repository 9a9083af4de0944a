"""The recipe of the bundled model: nothing held out leaks into training, and training meets every word."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from demo_model.batches import Mixer
from demo_model.corpus import Corpus
from demo_model.evaluate import doubles, normalise, transcribe
from demo_model.grammar import Grammar, Split, split_of
from demo_model.model import vocabulary
from demo_model.speech import HELD_OUT_VARIANTS, MAIN_VARIANTS, MANDARIN, MORE_VARIANTS
from demo_model.train import collapse

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "worker/bundled"
HELD_OUT = ROOT / "tests/data/heldout"
LONG = ROOT / "tests/data/long"
DRAWS = 5_000  # every word comes up some dozens of times


def _references(folder: Path) -> list[dict[str, str]]:
    lines = (folder / "references.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def training_sentences() -> list[str]:
    rng = random.Random(1)
    grammar = Grammar.load()
    return [grammar.sentence(rng, Split.TRAIN) for _ in range(DRAWS)]


def test_split_never_leaks(training_sentences: list[str]) -> None:
    rng = random.Random(2)
    grammar = Grammar.load()
    held_out = {grammar.sentence(rng, Split.HELD_OUT) for _ in range(DRAWS)}
    assert not held_out & set(training_sentences)
    assert all(split_of(sentence) is Split.HELD_OUT for sentence in held_out)


def test_training_meets_every_word(training_sentences: list[str]) -> None:
    heard = "\n".join(training_sentences)
    words = {word for words in Grammar.load().slots.values() for word in words}
    assert {word for word in words if word not in heard} == set()
    assert set(Grammar.load().characters()) <= set(heard)


@pytest.mark.parametrize("double", ["妈妈", "谢谢", "看看", "三三"])
def test_doubles_are_in_the_language(double: str, training_sentences: list[str]) -> None:
    assert sum(double in sentence for sentence in training_sentences) > 10


def test_held_out_voices_are_not_trained_on() -> None:
    assert not set(HELD_OUT_VARIANTS) & {*MAIN_VARIANTS, *MORE_VARIANTS}


def test_held_out_recordings_are_what_they_say() -> None:
    references = _references(HELD_OUT)
    assert len(references) == 300
    assert {reference["voice"] for reference in references} == {f"{MANDARIN}+{name}" for name in HELD_OUT_VARIANTS}
    for folder in (HELD_OUT, LONG):
        files = {reference["file"] for reference in _references(folder)}
        assert files == {path.name for path in folder.glob("*.opus")}
    size = sum(path.stat().st_size for folder in (HELD_OUT, LONG) for path in folder.iterdir())
    assert size < 8_000_000


def test_bundled_vocabulary_covers_every_reference() -> None:
    known = json.loads((BUNDLED / "vocab.json").read_text(encoding="utf-8"))
    assert known == vocabulary()
    sample = (ROOT / "samples/demo.txt").read_text(encoding="utf-8").strip()
    texts = [sample, *(reference["text"] for folder in (HELD_OUT, LONG) for reference in _references(folder))]
    assert set("".join(texts)) <= set(known)
    assert doubles("".join(texts)).keys() >= set("妈谢看三")


def test_bundled_folder_is_small() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) < 6_000_000


def test_collapse_keeps_true_doubles() -> None:
    tokens = list(vocabulary())
    mother = tokens.index("妈")
    assert collapse([0, mother, mother, 0, mother, 0], tokens) == "妈妈"


def test_normalise_compares_what_was_said() -> None:
    assert normalise("谢谢， 妈妈。ＯＫ") == "谢谢妈妈ok"


def test_a_step_always_gets_the_same_batch(tmp_path: Path) -> None:
    rate = 16_000
    lines = [
        json.dumps({"text": "三三", "voice": MANDARIN, "accent": MANDARIN, "start": number * rate, "length": rate})
        for number in range(2)
    ]
    (tmp_path / "index.jsonl").write_text("\n".join(lines), encoding="utf-8")
    np.random.default_rng(0).integers(-999, 999, 2 * rate).astype(np.int16).tofile(tmp_path / "samples.i16")
    corpus = Corpus(tmp_path)
    first = Mixer(corpus, vocabulary()).batch(7, easy=True)
    again = Mixer(corpus, vocabulary()).batch(7, easy=True)
    assert first.inputs.equal(again.inputs)
    assert first.targets.equal(again.targets)
    assert len(first.targets) == first.target_lengths.sum() > 0


@pytest.mark.parametrize("double", ["妈妈", "谢谢", "看看", "三三"])
def test_bundled_model_hears_doubles(double: str, tmp_path: Path) -> None:
    """Through Hugging Face's own pipeline, in both held-out voices: three utterances each that hold the double."""
    for variant in HELD_OUT_VARIANTS:
        lines = (HELD_OUT / "references.jsonl").read_text(encoding="utf-8").splitlines()
        chosen = [line for line in lines if double in line and variant in line][:3]
        folder = tmp_path / variant
        folder.mkdir()
        (folder / "references.jsonl").write_text("\n".join(chosen), encoding="utf-8")
        for line in chosen:
            (folder / json.loads(line)["file"]).symlink_to(HELD_OUT / json.loads(line)["file"])
        answers = transcribe(BUNDLED, folder, windows=False)
        assert [answer.heard.count(double) for answer in answers] == [answer.said.count(double) for answer in answers]
        assert answers
