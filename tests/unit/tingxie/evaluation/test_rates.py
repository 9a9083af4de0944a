"""Error rates: over the corpus, after the same normalisation on both sides, with an interval."""

import pytest

from tingxie.evaluation.evaluation import Evaluation, Heard, judge
from tingxie.evaluation.normalisation import normalise
from tingxie.evaluation.rates import Edits, character_edits, rate, substitutions, word_edits


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("今天，天氣很好。", "今天 天气很好"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("  Hello, World!  ", "hello world"),
        ("頭髮與發展", "头发与发展"),
        ("…", ""),
    ],
)
def test_normalised(text: str, normal: str) -> None:
    assert normalise(text) == normal


@pytest.mark.parametrize(
    ("said", "heard", "errors"),
    [
        ("abcd", "abcd", 0),
        ("abcd", "abxd", 1),
        ("abcd", "acd", 1),
        ("abcd", "aabcd", 1),
        ("abcd", "", 4),
        ("", "ab", 2),
    ],
)
def test_edits_of_characters(said: str, heard: str, errors: int) -> None:
    assert character_edits(said, heard) == Edits(errors, len(said))


def test_edits_of_words() -> None:
    assert word_edits("the cat sat", "the bat sat down") == Edits(2, 3)


def test_the_rate_is_the_corpuss_and_lies_in_its_interval() -> None:
    edits = [Edits(1, 10), Edits(0, 30), Edits(5, 10), *[Edits(0, 10)] * 10]
    found = rate(edits)
    assert found is not None
    assert found.value == 6 / 150
    assert found.low < found.value < found.high
    assert rate(edits) == found


def test_equal_texts_have_a_narrow_interval() -> None:
    found = rate([Edits(1, 10)] * 50)
    assert found is not None
    assert found.low == found.high == 0.1


def test_nothing_said_has_no_rate() -> None:
    assert rate([Edits(2, 0)]) is None


def test_substitutions_are_counted_over_all_texts() -> None:
    found = substitutions([("在见", "再见"), ("在家", "再家"), ("他", "她"), ("", "x"), ("x", "")])
    assert found.most_common() == [(("在", "再"), 2), (("他", "她"), 1)]


def test_an_evaluation_tells_raw_and_normalised_and_the_worst() -> None:
    texts = [("一", "好的。", "好的"), ("二", "我們 走", "我们走吧"), ("三", "谢谢", "再见")]
    evaluation = Evaluation([judge(Heard(name, said, heard, 1.5)) for name, said, heard in texts], {"四": "too long"})
    values = {name: found.value for name, found in evaluation.rates.items() if found}
    assert values["CER, normalised"] == 3 / 7
    assert values["CER, raw"] > values["CER, normalised"]
    assert [each.heard.name for each in evaluation.worst] == ["三", "二"]
    document = evaluation.as_dict()
    assert document["audio_s"] == 4.5
    assert document["failed"] == {"四": "too long"}
    assert document["rates"]["CER, normalised"]["errors"] == 3
