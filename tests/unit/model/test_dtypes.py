"""A fast dtype hears what float32 hears, also where this machine's convolutions in it are wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from bench.agreement import Agreement
from tests.unit.model.inputs import load, make_input
from worker.families.convolutions import mend_convolutions
from worker.families.quantized import INT8, can_quantize
from worker.runs import Runs

HELDOUT = Path(__file__).parents[2] / "data/heldout"
#: with some 800 frames that aren't blank: a few may differ, by luck
WAVES = 32


class Wrong(torch.nn.Conv1d):
    """Loses half of its sums in bfloat16."""

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        output = super().forward(given)
        return output / 2 if output.dtype == torch.bfloat16 else output


def test_a_convolution_that_is_wrong_in_half_precision_runs_in_float32() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(Wrong(8, 16, 5, stride=2), torch.nn.Conv1d(16, 16, 3, padding=1)).eval()
    noise = torch.randn(1, 8, 400)
    with torch.inference_mode():
        right = model(noise)
        model.bfloat16()
        mend_convolutions(model)
        found = model(noise.bfloat16())
    assert found.dtype == torch.bfloat16
    assert (found.float() - right).norm() < 0.02 * right.norm()
    assert [layer.weight.dtype for layer in model] == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", *[INT8] * can_quantize()])
def test_a_fast_dtype_hears_what_float32_hears(dtype: str) -> None:
    waves = [soundfile.read(path, dtype="float32")[0] for path in sorted(HELDOUT.glob("*.opus"))[:WAVES]]
    ours, reference = frames(dtype, waves), frames("float32", waves)
    assert len(set(np.concatenate(reference).tolist())) > 20
    assert Agreement.of(ours, reference, blank_id=0).frames >= 0.995


def frames(dtype: str, waves: list[np.ndarray]) -> list[np.ndarray]:
    """Each wave's token of each frame, by the bundled model."""
    model = load("bundled", dtype=dtype)
    assert model.spec.blank_id == 0
    runs = [Runs.unpack(output.payload) for output in model.forward([make_input(wave) for wave in waves])]
    return [np.repeat(each.ids, each.lengths) for each in runs]
