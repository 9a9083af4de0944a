"""Whisper's encoder is most of the work: a batch runs it once, and hears the same."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from tests.equality.random_models import sound
from tests.unit.model.inputs import load, make_input
from worker.families import whisper


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], list[int]]:
    """Has a model's encoder note how many windows it is run on, each time."""

    def watch(model: Any) -> list[int]:
        encoder, noted = model.family.pipe.model.get_encoder(), []
        run = encoder.forward

        def forward(input_features: Any, **options: Any) -> Any:
            noted.append(len(input_features))
            return run(input_features, **options)

        monkeypatch.setattr(encoder, "forward", forward)
        return noted

    return watch


@pytest.mark.parametrize("timestamps", ["none", "segment"])
def test_finding_the_language_costs_no_run_of_its_own(
    timestamps: str,
    runs: Callable[[Any], list[int]],
    whisper_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = load(whisper_folder)
    noted = runs(model)
    windows = [make_input(sound(3.0 + seed, seed), timestamps=timestamps) for seed in range(2)]
    once, ours = model.forward(windows), len(noted)
    again = model.forward(windows[::-1])[::-1]
    assert len(noted) == 2 * ours
    monkeypatch.setattr(whisper, "encoded_once", lambda _model: nullcontext())
    usual = model.forward(windows)
    assert len(noted) == 3 * ours + 1
    assert [each.payload for each in once] == [each.payload for each in again] == [each.payload for each in usual]
    assert len({each.payload for each in once}) == 2
