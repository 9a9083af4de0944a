"""What beams share is computed once for a window, and a Whisper says with it what the pipeline says without."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import pipeline

from tests.equality.random_models import RATE, sound
from tests.unit.model.inputs import load, make_input
from worker.families.beams import Beams, SharedAttention
from worker.generated import Generated

SECONDS = 5.0


@pytest.fixture
def plain(whisper_folder: Path) -> Any:
    """The untouched pipeline: five beams, as the article's call has them."""
    return pipeline("automatic-speech-recognition", model=str(whisper_folder), device="cpu", dtype=torch.float32)


@pytest.mark.parametrize("timestamps", ["none", "segment", "word"])
def test_a_batch_says_what_the_pipeline_says_of_each_window(
    timestamps: str, plain: Any, whisper_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = [sound(SECONDS, seed) for seed in range(3)]
    given = {"none": None, "segment": True, "word": "word"}[timestamps]
    theirs = [
        plain.forward(
            dict(next(iter(plain.preprocess({"raw": wave, "sampling_rate": RATE})))),
            return_timestamps=given, language="zh", task="transcribe",
        )["tokens"][0].tolist()
        for wave in waves
    ]  # fmt: skip
    model = load(whisper_folder)
    shared: list[int] = []
    heard = SharedAttention._heard
    monkeypatch.setattr(
        SharedAttention, "_heard", lambda self, rows, cache: shared.append(len(rows)) or heard(self, rows, cache)
    )
    outputs = model.forward([make_input(wave, timestamps=timestamps, language="zh") for wave in waves])
    ours = [Generated.unpack(output.payload).tokens.tolist() for output in outputs]
    assert ours == [tokens[: len(own)] for tokens, own in zip(theirs, ours, strict=True)]
    assert len({token for own in ours for token in own}) > 10
    # The times of words need the weights of each beam, which transformers gives.
    assert set(shared) == (set() if timestamps == "word" else {len(waves)})


def test_rows_that_repeat_are_counted() -> None:
    torch.manual_seed(0)
    windows = torch.randn(2, 4, 3)
    assert Beams().count(windows) == 1
    assert Beams().count(windows.repeat_interleave(5, 0)) == 5
    assert Beams().count(torch.cat([windows[:1]] * 3)) == 3
    # two beams of one window and one of another; five of one and four of another
    assert Beams().count(torch.cat([windows[:1], windows[:1], windows[1:]])) == 1
    assert Beams().count(windows.repeat_interleave(5, 0)[:9]) == 1
    unequal = windows.repeat_interleave(2, 0)
    unequal[3, 0, 0] += 1
    assert Beams().count(unequal) == 1


def test_another_output_is_looked_at_anew() -> None:
    beams = Beams()
    windows = torch.randn(2, 4, 3)
    repeated = windows.repeat_interleave(2, 0)
    assert [beams.count(repeated), beams.count(repeated), beams.count(windows)] == [2, 2, 1]
