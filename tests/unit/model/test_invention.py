"""What counts as invented by Whisper: text where nothing is heard, where nobody speaks, and loops."""

import sys

import numpy as np
import pytest

from jobs.settings import WhisperGuard
from tests.support.spaced_speech import spaced_speech
from worker import speech
from worker.families.invention import is_loop, nobody_speaks

RATE = 16_000
NOISE = np.random.default_rng(5).standard_normal(25 * RATE).astype(np.float32)
SAID = "星期三爸爸要在上海听音乐老师有四张照片密码是五二二七七二八周末三点在台北见面学生看看新闻下午的天气非常好"
WINDOWS = {"nothing": 1e-5 * NOISE, "noise": 0.02 * NOISE, "speech": spaced_speech(20).wave}


@pytest.mark.parametrize(
    ("guard", "quiet"), [("off", set()), ("silence", {"nothing"}), ("strict", {"nothing", "noise"})]
)
def test_where_nobody_speaks_there_is_no_text(guard: WhisperGuard, quiet: set[str]) -> None:
    assert {name for name, window in WINDOWS.items() if nobody_speaks(window, RATE, guard)} == quiet


def test_a_word_at_the_very_end_is_heard() -> None:
    spoken = spaced_speech(5).wave[RATE : 2 * RATE]
    assert not nobody_speaks(np.concatenate([0.001 * NOISE, spoken]), RATE, "strict")


def test_without_a_detector_everything_that_is_heard_is_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    speech._session.cache_clear()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert not nobody_speaks(WINDOWS["noise"], RATE, "strict")
    assert nobody_speaks(WINDOWS["nothing"], RATE, "strict")


def test_loops_are_no_text() -> None:
    loop = "谢谢观看" * 30
    assert [is_loop(loop, guard) for guard in ("off", "silence", "strict")] == [False, False, True]
    assert not is_loop(SAID, "strict")
    assert not is_loop("谢谢谢谢", "strict")
    assert not is_loop("", "strict")
