"""The front end on rows of channels gives what transformers' convolutions give."""

from pathlib import Path

import pytest
import torch
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

from tests.equality.random_models import sound
from tests.unit.model.inputs import load
from worker.families.front_end import RowsFrontEnd, replace_front_end

#: kernels below, at and above their strides, and no whole number of them
LAYERS = {"conv_dim": [8, 16, 24, 8], "conv_kernel": [10, 7, 3, 2], "conv_stride": [5, 3, 2, 3]}


def model(norm: str, **changed: object) -> Wav2Vec2ForCTC:
    torch.manual_seed(0)
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = Wav2Vec2Config(
        **size, **LAYERS, num_feat_extract_layers=4, feat_extract_norm=norm, num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2, **changed,
    )  # fmt: skip
    return Wav2Vec2ForCTC(config).eval()


@pytest.mark.parametrize("conv_bias", [True, False])
@pytest.mark.parametrize("samples", [8_000, 8_017, 500])
def test_its_numbers_are_those_of_the_convolutions(samples: int, conv_bias: bool) -> None:
    whole = model("layer", conv_bias=conv_bias)
    waves = torch.stack([torch.from_numpy(sound(1.0, seed)[:samples]) for seed in range(3)])
    with torch.inference_mode():
        theirs = whole.wav2vec2.feature_extractor(waves)
        assert replace_front_end(whole)
        ours = whole.wav2vec2.feature_extractor(waves)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_model_that_normalises_over_time_keeps_its_own() -> None:
    whole = model("group")
    assert not replace_front_end(whole)


def test_a_loaded_model_has_it(layer_folder: Path) -> None:
    assert isinstance(load(layer_folder).family.pipe.model.wav2vec2.feature_extractor.front_end, RowsFrontEnd)
