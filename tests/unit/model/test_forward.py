"""A window gets the same tokens whatever batch it is in, and they are the pipeline's own."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jobs.errors import LanguageUnknown
from tests.equality.random_models import sound
from tests.unit.model.inputs import load, make_input
from worker.families.batches import batches_by_total, batches_of_like_length
from worker.families.ctc import best_tokens
from worker.forward import ForwardError, OutOfMemory
from worker.generated import Generated
from worker.runs import Runs

LENGTHS = [16_000, 15_999, 32_123, 8_000, 401, 16_000, 31_000, 48_000]


def tokens_of(payload: bytes) -> list[tuple[int, int]]:
    runs = Runs.unpack(payload).merged()
    return list(zip(runs.ids.tolist(), runs.lengths.tolist(), strict=True))


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_alone_and_in_any_batch_the_tokens_are_the_same(norm: str, request: pytest.FixtureRequest) -> None:
    model = load(request.getfixturevalue(f"{norm}_folder"))
    assert not model.spec.equal_lengths_only
    windows = [make_input(sound(length / 16_000, seed)[:length]) for seed, length in enumerate(LENGTHS)]
    together = model.forward(windows)
    alone = [model.forward([window])[0] for window in windows]
    assert [tokens_of(one.payload) for one in together] == [tokens_of(one.payload) for one in alone]
    assert [one.text for one in together] == [one.text for one in alone]
    assert len({token for one in alone for token, _ in tokens_of(one.payload)}) > 10


def test_context_is_trimmed_and_frames_end_where_the_audio_does(layer_folder: Path) -> None:
    model = load(layer_folder)
    wave = sound(2.0)
    whole, left, right = (
        tokens_of(model.forward([make_input(wave, left=left, right=right)])[0].payload)
        for left, right in ((0, 0), (3200, 0), (0, 3200))
    )
    counts = [sum(length for _, length in tokens) for tokens in (whole, left, right)]
    assert counts == [99, 89, 90]  # F(32000) = 99; 3,200 samples are 10 frames; the last frame of 100 isn't there


def test_a_window_shorter_than_a_frame_has_one(layer_folder: Path) -> None:
    (output,) = load(layer_folder).forward([make_input(sound(0.02)[:300])])
    assert sum(length for _, length in tokens_of(output.payload)) == 1


def test_confidences_lie_between_a_guess_and_certainty(layer_folder: Path) -> None:
    (output,) = load(layer_folder).forward([make_input(sound(5.0))])
    confidences = Runs.unpack(output.payload).confidences
    assert 0 <= confidences.min() < 0.3
    assert 0.7 < confidences.max() <= 1


@pytest.mark.parametrize("tokens", [32, 3503, 600_000])
def test_tokens_and_confidences_are_those_of_the_whole_table(tokens: int) -> None:
    """However many scores are looked at together, and where two are equal, the first is the best."""
    generator = torch.Generator().manual_seed(tokens)
    logits = (torch.randn(400 if tokens < 10_000 else 3, tokens, generator=generator) * 4).bfloat16()
    logits[0] = 1.0
    ids, confidences = best_tokens(logits)
    shares = logits.double().softmax(-1)
    perplexity = torch.exp(-(shares * shares.log()).sum(-1))
    right = (1 / perplexity - 1 / tokens) / (1 - 1 / tokens)
    assert ids.tolist() == logits.argmax(-1).tolist()
    assert ids[0] == 0
    assert confidences[0] < 1e-6
    assert torch.allclose(confidences.double(), right, atol=1e-5)


def test_scores_that_are_not_numbers_are_an_error(layer_folder: Path) -> None:
    model = load(layer_folder)
    with torch.no_grad():
        model.family.pipe.model.lm_head.bias[3] = float("nan")
    with pytest.raises(ForwardError, match="not numbers"):
        model.forward([make_input(sound(1.0))])


def test_memory_that_runs_out_is_told_apart(layer_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(layer_folder)
    monkeypatch.setattr(model.family.pipe.model, "forward", lambda **_: torch.empty(1 << 50))
    with pytest.raises(OutOfMemory):
        model.forward([make_input(sound(1.0))])


@pytest.mark.parametrize("timestamps", ["none", "segment", "word"])
def test_whisper_gives_the_same_tokens_in_a_batch(timestamps: str, whisper_folder: Path) -> None:
    model = load(whisper_folder)
    windows = [make_input(sound(5, seed), timestamps=timestamps, language="zh-CN") for seed in range(3)]
    together = [Generated.unpack(output.payload) for output in model.forward(windows)]
    alone = [Generated.unpack(model.forward([window])[0].payload) for window in windows]
    assert [one.tokens.tolist() for one in together] == [one.tokens.tolist() for one in alone]
    assert all((one.times_s is not None) == (timestamps == "word") for one in together)
    assert len({token for one in alone for token in one.tokens.tolist()}) > 10


def test_whisper_refuses_a_language_that_it_does_not_know(whisper_folder: Path) -> None:
    with pytest.raises(LanguageUnknown, match="tlh"):
        load(whisper_folder).forward([make_input(sound(1), language="tlh")])


def test_a_batch_holds_windows_of_like_length() -> None:
    lengths = [100, 10, 90, 86, 100, 84]
    assert batches_of_like_length(lengths, equal_only=False) == [[0, 4], [2, 3], [5], [1]]
    assert batches_of_like_length(lengths, equal_only=True) == [[0, 4], [2], [3], [5], [1]]
    assert batches_of_like_length([], equal_only=False) == []


def test_a_group_holds_no_more_than_it_may_padding_included() -> None:
    assert batches_of_like_length([100, 100, 100, 96, 96], equal_only=False, most=200) == [[0, 1], [2, 3], [4]]
    assert batches_of_like_length([300, 300], equal_only=False, most=200) == [[0], [1]]


def test_what_is_not_padded_makes_even_groups() -> None:
    assert batches_by_total([100, 10, 90, 86, 100, 84], most=200) == [[0, 5], [4, 1], [2, 3]]
    assert batches_by_total([300, 300, 1], most=200) == [[0], [1], [2]]
    assert batches_by_total([], most=200) == []


@given(st.lists(st.integers(1, 60), min_size=1, max_size=40), st.integers(1, 5))
def test_groups_hold_everything_once_and_suit_the_lanes(lengths: list[int], lanes: int) -> None:
    groups = batches_by_total(lengths, most=40, lanes=lanes)
    assert sorted(index for group in groups for index in group) == list(range(len(lengths)))
    assert all(len(group) == 1 or sum(lengths[index] for index in group) <= 40 for group in groups)
    assert len(groups) >= min(lanes, len(lengths))
    assert len(groups) % lanes == 0 or len(groups) == len(lengths)


def test_generated_tokens_survive_the_ledger() -> None:
    tokens = np.array([1, 70_000, 3])
    times = np.array([0.02, 1.3], np.float32).astype(np.float64)
    for generated in (Generated(tokens, None), Generated(tokens[:2], times), Generated(tokens[:2], times + 1e-12)):
        back = Generated.unpack(generated.pack())
        assert back.tokens.tolist() == generated.tokens.tolist()
        assert (None if back.times_s is None else back.times_s.tolist()) == (
            None if generated.times_s is None else generated.times_s.tolist()
        )
    with pytest.raises(ValueError, match="no packed tokens"):
        Generated.unpack(b"\x05\x00")
