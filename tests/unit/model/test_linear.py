"""Prepacked linear layers give what torch's give, and what looks at their weights still finds them."""

from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import WavLMConfig, WavLMForCTC

from tests.equality.random_models import sound
from tests.unit.model.inputs import load
from worker.families import linear
from worker.families.linear import PlainLinear, PrepackedLinear, is_prepackable, make_linear, replace_linears, stretches

pytestmark = pytest.mark.skipif(not is_prepackable(torch.empty(1, 1)), reason="this CPU's weights are not prepacked")


def weights(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    return torch.randn(70, 33).to(dtype), torch.randn(70).to(dtype)


@pytest.mark.parametrize(
    "dtype", [dtype for dtype in (torch.float32, torch.bfloat16) if is_prepackable(torch.empty(1, 1, dtype=dtype))]
)
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 33), (500, 33), (2, 7, 33), (2, 601, 33), (0, 33)])
def test_its_numbers_are_those_of_torch(shape: tuple[int, ...], has_bias: bool, dtype: torch.dtype) -> None:
    weight, bias = weights(dtype)
    given = bias if has_bias else None
    rows = torch.randn(*shape).to(dtype)
    with torch.inference_mode():
        ours, theirs = PrepackedLinear(weight, given)(rows), nn.functional.linear(rows, weight, given)
    assert ours.dtype == theirs.dtype
    torch.testing.assert_close(ours, theirs)


def test_stretches_hold_all_rows_in_few_sizes() -> None:
    sizes: set[int] = set()
    for rows in range(5000):
        some = stretches(rows)
        assert sorted({row for each in some for row in range(rows)[each]}) == list(range(rows))
        assert sum(each.stop - each.start for each in some) <= rows + 128 * len(some)
        assert len(some) <= rows // 1024 + 2
        sizes |= {each.stop - each.start for each in some}
    assert sizes == {1, 2, 4, 8, 16, 32, *range(64, 2049, 64)}


@pytest.mark.parametrize("made", [PrepackedLinear, PlainLinear])
def test_products_add_up(made: type[PrepackedLinear] | type[PlainLinear]) -> None:
    weight, _ = weights(torch.float32)
    rows, total = torch.randn(40, 33), torch.randn(40, 70)
    right = total + rows @ weight.t()
    with torch.inference_mode():
        torch.testing.assert_close(made(weight, None).add(rows, total.clone()), right)
        # every second row of a longer matrix, as a convolution at a stride of two sees it
        wide = torch.randn(40, 66)
        found = made(weight, None).add(wide.as_strided((40, 33), (66, 1), 33), total.clone())
        torch.testing.assert_close(found, total + wide[:, 33:] @ weight.t())


def test_a_loaded_model_has_them_and_scores_the_same(layer_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = load(layer_folder).family.network
    assert isinstance(packed.pipe.model.lm_head, PrepackedLinear)
    assert not [module for module in packed.pipe.model.modules() if type(module) is nn.Linear]
    monkeypatch.setattr(linear, "is_prepackable", lambda _: False)
    plain = load(layer_folder).family.network
    assert isinstance(plain.pipe.model.lm_head, nn.Linear)
    waves = [sound(2.0), sound(2.0, seed=1)]
    with torch.inference_mode():
        torch.testing.assert_close(packed.score(waves), plain.score(waves), rtol=1e-3, atol=1e-3)


def test_a_whisper_has_them(whisper_folder: Path) -> None:
    model = load(whisper_folder).family.pipe.model
    assert isinstance(model.proj_out, PrepackedLinear)
    assert isinstance(model.model.encoder.layers[0].fc1, PrepackedLinear)


def test_a_weight_that_is_looked_at_is_the_same() -> None:
    weight, bias = weights(torch.float32)
    assert torch.equal(PrepackedLinear(weight, bias).weight, weight)


def test_a_module_that_hands_its_weights_to_torch_keeps_them() -> None:
    size = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    model = WavLMForCTC(WavLMConfig(**size, num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2)).eval()
    replace_linears(model)
    layer = model.wavlm.encoder.layers[0]
    assert type(layer.attention.q_proj) is nn.Linear
    assert isinstance(layer.feed_forward.output_dense, PrepackedLinear)


def test_other_dtypes_are_left_to_torch() -> None:
    assert isinstance(make_linear(weights(torch.float16)[0], None), PlainLinear)
