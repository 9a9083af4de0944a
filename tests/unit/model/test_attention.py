"""Attention over own frames, and a few heads at a time, gives what torch's gives."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from transformers import AttentionInterface, Data2VecAudioForCTC, HubertForCTC, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from tests.equality.random_models import CONVOLUTIONS, SMALL, make_network, sound
from tests.unit.model.inputs import load, make_input
from worker.families import attention, packing, whisper
from worker.families.pack import Pack
from worker.generated import Generated

WINDOWS, HEADS, FRAMES, CHANNELS = 3, 5, 40, 12
ALL_FRAMES = SimpleNamespace(is_causal=False, pack=None)


@pytest.fixture(params=[attention.ALL_HEADS, attention.FEW_HEADS])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every machine and dtype has it, so that float32 tells; two heads at a time."""
    monkeypatch.setattr(attention, "few_heads_are_sooner", lambda _: request.param == attention.FEW_HEADS)
    monkeypatch.setattr(attention, "MOST_SCORES", 2 * FRAMES * FRAMES)
    return str(request.param)


def attend(way: str, *vectors: torch.Tensor | None, scaling: float | None = None) -> torch.Tensor:
    output: torch.Tensor
    output, _ = AttentionInterface()[way](ALL_FRAMES, *vectors, scaling=scaling)
    return output


def vectors() -> tuple[torch.Tensor, ...]:
    torch.manual_seed(0)
    return tuple(torch.randn(WINDOWS, FRAMES, HEADS, CHANNELS).transpose(1, 2) for _ in range(3))


def padding(*counts: int) -> torch.Tensor:
    """A mask as transformers makes it for windows with so many frames."""
    rows = torch.arange(FRAMES) < torch.tensor(counts)[:, None]
    return rows[:, None, None].expand(-1, -1, FRAMES, -1).contiguous()


def masks() -> dict[str, torch.Tensor | None]:
    hole = padding(40, 33, 2)
    hole[1, :, :, 20] = False
    past = torch.ones(FRAMES, FRAMES, dtype=torch.bool).tril().expand(WINDOWS, 1, -1, -1)
    added = torch.zeros(WINDOWS, 1, FRAMES, FRAMES).masked_fill_(~padding(40, 33, 1), -torch.inf)
    return {"none": None, "padding": padding(40, 33, 1), "a hole": hole, "the past": past, "added": added}


@pytest.mark.parametrize("mask", masks())
@pytest.mark.parametrize("scaling", [None, 1.0, 0.3])
def test_its_numbers_are_those_of_torch(way: str, mask: str, scaling: float | None) -> None:
    query, key, value = vectors()
    given = masks()[mask]
    ours = attend(way, query, key, value, given, scaling=scaling)
    theirs, _ = sdpa_attention_forward(ALL_FRAMES, query, key, value, given, scaling=scaling)  # type: ignore[arg-type]
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("counts", [(40,), (33, 7), (17, 1, 20), (30,), (5, 30)])
def test_packed_windows_attend_each_to_itself(way: str, counts: tuple[int, ...]) -> None:
    query, key, value = (each[:1] for each in vectors())
    pack = Pack()
    pack.made(counts)
    output, _ = AttentionInterface()[way](SimpleNamespace(is_causal=False, pack=pack), query, key, value, None)
    for span in pack.frames:
        own = (each[:, :, span] for each in (query, key, value))
        right, _ = sdpa_attention_forward(ALL_FRAMES, *own, None)  # type: ignore[arg-type]
        torch.testing.assert_close(output[:, span], right, rtol=1e-4, atol=1e-5)
    assert not output[:, sum(counts) :].any()


def test_what_it_is_made_for_is_not_left_to_torch(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "sdpa_attention_forward", None)
    attend(way, *vectors(), None)


@pytest.mark.parametrize("network", [Wav2Vec2ForCTC, HubertForCTC, Data2VecAudioForCTC])
def test_a_model_with_it_scores_the_same(
    network: Any, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**SMALL, **CONVOLUTIONS, "feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    folder = make_network(tmp_path / "model", network, extractor, **config)
    waves = [sound(2.0), sound(1.5, seed=1), sound(0.3, seed=2)]
    with monkeypatch.context() as without, torch.inference_mode():
        without.setattr(packing, "TYPES", ())
        alone = load(folder).family.network
        theirs = [alone.score([wave])[0] for wave in waves]
    network = load(folder).family.network
    layer = next(module for module in network.pipe.model.modules() if hasattr(module, "q_proj"))
    assert layer.config._attn_implementation == way
    monkeypatch.setattr(attention, "sdpa_attention_forward", None)
    with torch.inference_mode():
        for ours, right in zip(network.score(waves), theirs, strict=True):
            torch.testing.assert_close(ours, right, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("timestamps", ["none", "segment", "word"])
def test_a_whisper_with_few_heads_at_a_time_says_the_same(
    timestamps: str, whisper_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = [make_input(sound(5, seed), timestamps=timestamps, language="zh") for seed in range(2)]
    with monkeypatch.context() as without:
        without.setattr(whisper, "replace_attention", lambda _: False)
        theirs = [Generated.unpack(output.payload) for output in load(whisper_folder).forward(windows)]
    monkeypatch.setattr(attention, "few_heads_are_sooner", lambda _: True)
    model = load(whisper_folder)
    network = model.family.pipe.model
    assert network.model.encoder.layers[0].self_attn.config._attn_implementation == attention.FEW_HEADS
    assert network.model.decoder.layers[0].self_attn.config._attn_implementation == "sdpa"
    ours = [Generated.unpack(output.payload) for output in model.forward(windows)]
    assert [one.tokens.tolist() for one in ours] == [one.tokens.tolist() for one in theirs]
    assert len(set(ours[0].tokens.tolist())) > 5


def test_the_times_of_words_leave_a_whisper_as_fast_as_it_was(whisper_folder: Path) -> None:
    model = load(whisper_folder)
    model.forward([make_input(sound(5), timestamps="word", language="zh")])
    assert model.family.pipe.model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_in_other_dtypes_all_heads_attend_at_once(dtype: str, layer_folder: Path) -> None:
    layers = load(layer_folder, dtype=dtype).family.pipe.model.wav2vec2.encoder.layers
    assert layers[0].attention.config._attn_implementation == attention.ALL_HEADS
