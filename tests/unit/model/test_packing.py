"""Packed windows: each scores as it does alone in transformers' own model, whatever lies beside it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from transformers import (
    Data2VecAudioForCTC,
    HubertForCTC,
    SEWForCTC,
    UniSpeechForCTC,
    UniSpeechSatForCTC,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WavLMForCTC,
)

from tests.equality.random_models import CONVOLUTIONS, SMALL, make_network, sound
from tests.unit.model.inputs import load
from worker.families import attention, linear, packing
from worker.families.linear import ROWS
from worker.families.network import PaddedNetwork
from worker.families.pack import Pack
from worker.families.packing import PackedNetwork

LAYER = {"feat_extract_norm": "layer", "do_stable_layer_norm": True, "conv_bias": True}
SEW = {"feat_extract_norm": "layer", "conv_kernel": [10, 3, 3, 3, 3, 2, 2], "conv_stride": [5, 2, 2, 2, 2, 2, 2]}
GROUP = {"feat_extract_norm": "group", "do_stable_layer_norm": False, "conv_bias": False}
FULL_S = (ROWS * 320 + 80) / 16_000


def made(folder: Path, network: Any, kind: dict[str, Any]) -> Path:
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    return make_network(folder, network, extractor, **{**SMALL, **CONVOLUTIONS, **kind})


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (Wav2Vec2ForCTC, LAYER),
        (Wav2Vec2ForCTC, GROUP),
        (Wav2Vec2ForCTC, LAYER | {"adapter_attn_dim": 16}),
        (HubertForCTC, LAYER),
        (HubertForCTC, GROUP | {"conv_pos_batch_norm": True}),
        (UniSpeechForCTC, GROUP),
        (UniSpeechSatForCTC, LAYER),
        (Data2VecAudioForCTC, {"conv_pos_kernel_size": 5}),
    ],
)
@pytest.mark.parametrize("seconds", [(2.0,), (1.5, 2.0, 0.1, 1.5), (FULL_S,)], ids=["one", "some", "full"])
def test_each_window_scores_as_it_does_alone(
    network: Any, kind: dict[str, Any], seconds: tuple[float, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made(tmp_path / "model", network, kind)
    waves = [sound(each, seed=seed) for seed, each in enumerate(seconds)]
    packed = load(folder).family.network
    assert isinstance(packed, PackedNetwork)
    seen: list[int] = []
    packed.pipe.model.base_model.encoder.layers[0].register_forward_hook(
        lambda _, given, __: seen.append(given[0].shape[1])
    )
    monkeypatch.setattr(packing, "TYPES", ())
    alone = load(folder).family.network
    assert isinstance(alone, PaddedNetwork)
    with torch.inference_mode():
        ours, theirs = packed.score(waves), [alone.score([wave])[0] for wave in waves]
    assert seen == [-(-sum(map(len, theirs)) // ROWS) * ROWS]
    for rows, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(rows, right, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("network", "kind"), [(WavLMForCTC, LAYER), (SEWForCTC, SEW)])
@pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask")  # torch's word about WavLM's attention
def test_an_encoder_that_looks_further_is_padded(network: Any, kind: dict[str, Any], tmp_path: Path) -> None:
    assert isinstance(load(made(tmp_path / "model", network, kind)).family.network, PaddedNetwork)


def test_a_padded_one_attends_a_few_heads_at_a_time_where_that_is_sooner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, waves = made(tmp_path / "model", SEWForCTC, SEW), [sound(2.0)]
    plain = load(folder).family.network
    monkeypatch.setattr(attention, "few_heads_are_sooner", lambda _: True)
    few = load(folder).family.network
    layer = few.pipe.model.base_model.encoder.layers[0]
    assert layer.attention.config._attn_implementation == attention.FEW_HEADS
    with torch.inference_mode():
        torch.testing.assert_close(few.score(waves), plain.score(waves), rtol=1e-3, atol=1e-3)


def test_the_model_also_runs_on_a_plain_batch(layer_folder: Path) -> None:
    """As transformers' pipeline would call it."""
    network = load(layer_folder).family.network
    waves = [sound(2.0), sound(2.0, seed=1)]
    with torch.inference_mode():
        given = network.pipe.feature_extractor(waves, sampling_rate=16_000, return_tensors="pt")
        plain, packed = network.pipe.model(given["input_values"]).logits, network.score(waves)
    torch.testing.assert_close(plain, torch.stack(packed), rtol=1e-4, atol=1e-4)


def test_a_model_meets_few_numbers_of_rows(layer_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(layer_folder).family.network
    sizes: set[int] = set()
    monkeypatch.setattr(
        linear.PrepackedLinear,
        "_product",
        lambda self, rows: (
            sizes.add(rows.numel() // rows.shape[-1]),
            nn.functional.linear(rows, self.weight, self.bias),
        )[1],
    )
    generator = np.random.default_rng(0)
    with torch.inference_mode():
        for _ in range(20):
            network.score([sound(seconds) for seconds in generator.uniform(0.1, 3.0, generator.integers(1, 4))])
    assert all(size % ROWS == 0 or size.bit_count() == 1 for size in sizes), sizes


def test_a_pack_is_empty_again_after_an_error() -> None:
    pack = Pack()

    def fail() -> None:
        with pack.of([3, 4]):
            pack.made([2, 0, 3])
            assert pack.frames == [slice(0, 2), slice(2, 2), slice(2, 5)]
            raise ValueError("away")

    with pytest.raises(ValueError, match="away"):
        fail()
    assert (pack.lengths, pack.frames) == ([], [])
