"""Linear layers in int8: near what is exact, alike in whatever company, and only where they belong."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import Data2VecAudioForCTC, HubertForCTC, SEWForCTC, Wav2Vec2ConformerForCTC, WavLMForCTC

from jobs.errors import ModelRefused, SetupError
from tests.equality.random_models import sound
from tests.unit.model.inputs import load
from tests.unit.model.test_packing import GROUP, LAYER, SEW, made
from worker import model
from worker.families import quantized
from worker.families.linear import PrepackedLinear, is_prepackable
from worker.families.quantized import QuantizedLinear, can_quantize, quantize_rows

DTYPES = [dtype for dtype in (torch.float32, torch.bfloat16) if is_prepackable(torch.empty(1, 1, dtype=dtype))]


@pytest.fixture(autouse=True)
def _exact_where_bytes_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands for oneDNN's product on CPUs without AVX-512 VNNI, whose own adds up pairs of products in 16 bits."""
    if can_quantize():
        return

    def multiply(whole: torch.Tensor, weight: tuple[torch.Tensor, ...], dtype: torch.dtype) -> torch.Tensor:
        levels, scales, _ = weight
        return ((whole.double() - quantized.ZERO) @ levels.double().t() * scales).to(dtype)

    monkeypatch.setattr(quantized, "prepacked", lambda whole: whole)
    monkeypatch.setattr(quantized, "multiply", multiply)
    monkeypatch.setattr(model, "can_quantize", lambda: True)


def layer(dtype: torch.dtype, *, has_bias: bool = True) -> tuple[nn.Linear, QuantizedLinear]:
    torch.manual_seed(0)
    exact = nn.Linear(96, 70, bias=has_bias).to(dtype)
    return exact.float(), QuantizedLinear(exact.weight.to(dtype), exact.bias.to(dtype) if has_bias else None)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize("shape", [(1, 96), (500, 96), (2, 7, 96), (2, 601, 96), (0, 96)])
def test_it_is_near_what_is_exact(shape: tuple[int, ...], has_bias: bool, dtype: torch.dtype) -> None:
    exact, ours = layer(dtype, has_bias=has_bias)
    rows = (torch.randn(*shape) * 10 ** torch.randn(*shape[:-1], 1)).to(dtype)
    with torch.inference_mode():
        found, right = ours(rows), exact(rows.float())
    assert (found.dtype, found.shape) == (dtype, right.shape)
    assert (found.float() - right).norm() <= 0.015 * right.norm()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_value_leaves_its_byte(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    rows = (torch.randn(5000, 8) * 10 ** (4 * torch.randn(5000, 1))).to(dtype)
    rows[17] = 0
    whole, scales = quantize_rows(rows)
    assert 1 <= whole.min() <= 3
    assert 253 <= whole.max() <= 255
    again = (whole.float() - 128) * scales.float()
    assert ((again - rows.float()).abs() <= 0.501 * scales.float()).all()
    assert (whole[17] == 128).all()


def test_a_row_comes_out_alike_in_any_company() -> None:
    _, ours = layer(DTYPES[-1])
    rows = torch.randn(300, 96).to(DTYPES[-1])
    louder = torch.cat([1000 * rows[:100], rows[100:]])
    with torch.inference_mode():
        assert torch.equal(ours(rows)[100:], ours(louder)[100:])
        assert torch.equal(ours(rows)[100:228], ours(rows[100:228]))


def test_what_is_not_a_number_is_not_hidden() -> None:
    _, ours = layer(torch.float32)
    rows = torch.ones(3, 96)
    rows[1, 5] = torch.nan
    with torch.inference_mode():
        assert ours(rows).isnan().all(1).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("network", "kind"),
    [
        (HubertForCTC, GROUP),
        (SEWForCTC, SEW),
        pytest.param(WavLMForCTC, LAYER, marks=pytest.mark.filterwarnings("ignore:Support for mismatched")),
        (Wav2Vec2ConformerForCTC, LAYER),
        (Data2VecAudioForCTC, {"conv_pos_kernel_size": 5}),
    ],
)
def test_a_model_in_int8_scores_like_the_exact_one(
    network: Any, kind: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)  # float32 in all that isn't int8
    folder = made(tmp_path / "model", network, kind)
    ours, exact = load(folder, dtype="int8"), load(folder)
    layers = [module for module in ours.family.network.pipe.model.modules() if isinstance(module, QuantizedLinear)]
    assert layers
    assert isinstance(ours.family.network.pipe.model.lm_head, PrepackedLinear)
    assert (ours.spec.dtype, exact.spec.dtype) == ("int8", "float32")
    assert ours.spec.key != exact.spec.key
    waves = [sound(2.0), sound(2.0, seed=1)]
    with torch.inference_mode():
        for found, right in zip(ours.family.network.score(waves), exact.family.network.score(waves), strict=True):
            assert 0 < (found - right).norm() < 0.02 * right.norm()


def test_where_it_does_not_belong(layer_folder: Path, whisper_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelRefused, match="int8 is for CTC models"):
        load(whisper_folder, dtype="int8")
    with monkeypatch.context() as patch:
        patch.setattr(model, "choose_device", lambda _: torch.device("cuda:1"))
        with pytest.raises(SetupError, match=r"AVX-512 VNNI, and this model would run on cuda:1"):
            load(layer_folder, dtype="int8")
    monkeypatch.setattr(model, "can_quantize", lambda: False)
    with pytest.raises(SetupError, match="would run on one without it"):
        load(layer_folder, dtype="int8")
