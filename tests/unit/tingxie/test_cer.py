import jiwer
import pytest

from tingxie.cer import character_error_rate


@pytest.mark.parametrize(
    ("reference", "heard"), [("妈妈谢谢", "妈谢谢"), ("今天天气好", "明天天气很好"), ("一二三", "")]
)
def test_it_agrees_with_jiwer(reference: str, heard: str) -> None:
    assert character_error_rate(reference, heard) == pytest.approx(jiwer.cer(reference, heard))


def test_spaces_and_punctuation_do_not_count() -> None:
    assert character_error_rate("你好，世界。", "你好 世界") == 0
