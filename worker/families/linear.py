"""Linear layers whose weights lie in memory as oneDNN multiplies them: sooner on CPUs, same numbers.

torch hands a product in bfloat16 to oneDNN, which puts the weights in order anew each time, and one in float32 to MKL,
which multiplies no faster than AVX2 on AMD's CPUs. Prepacked, weights need neither (docs/performance.md). The
operators are those that torch's own compiler puts in place of a linear layer when it freezes a model
(torch/_inductor/fx_passes/mkldnn_fusion.py, 2.13).

oneDNN compiles a product for each number of rows, and keeps it: 2 MB for each length of window and each size of layer.
So rows go through in stretches of a few sizes, none of them small.
"""

import math
import platform
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

#: rows that go through at once: any multiple of this, up to what two windows have
ROWS, MOST_AT_ONCE = 64, 2048
#: else in stretches: a multiple of the step, up to what gains no more
STEP_ROWS, MOST_ROWS = 128, 1024
#: modules that read the weights of their linear layers, and hand them to torch
READERS = (WavLMAttention,)

#: makes the layer of a weight [out, in] and a bias [out], or of none
Make = Callable[[torch.Tensor, torch.Tensor | None], nn.Module]


class PrepackedLinear(nn.Module):
    """weight: [out, in]; bias: [out], or nothing."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._prepacked = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())  # noqa: SLF001
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)

    @property
    def weight(self) -> torch.Tensor:
        """A copy, for the rare module that looks."""
        weight: torch.Tensor = self._prepacked.to_dense()
        return weight

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[…, in] to […, out]."""
        flat = rows.reshape(-1, rows.shape[-1])
        some = stretches(len(flat))
        if len(some) == 1:
            return self._product(rows)
        output = rows.new_empty(len(flat), self._prepacked.shape[0])
        for each in some:
            output[each] = self._product(flat[each])
        return output.view(*rows.shape[:-1], output.shape[-1])

    def _product(self, rows: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            rows, self._prepacked, self.bias, "none", [], ""
        )
        return product

    def add(self, rows: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The product of one stretch more, rounded once; total is used up."""
        added: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
            rows, total, self._prepacked, self.bias, "add"
        )
        return added


class PlainLinear(nn.Linear):
    """The same where torch's own product is the one to take."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias=False, device="meta")
        self.weight = nn.Parameter(weight.contiguous(), requires_grad=False)
        self.bias = bias  # type: ignore[assignment]

    def add(self, rows: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        return total.addmm_(rows, self.weight.t())


def stretches(rows: int) -> list[slice]:
    """All rows, in stretches of one size, of which there are few; the last may begin among the rows before it."""
    if not rows:
        return []
    if rows % ROWS == 0 and rows <= MOST_AT_ONCE:
        return [slice(0, rows)]
    step = min(STEP_ROWS, 1 << rows.bit_length() - 1)
    size = _rounded_up(rows, math.ceil(rows / MOST_ROWS), step)
    if size > rows:
        size = _rounded_up(rows, 2, step)
    starts = (min(start, rows - size) for start in range(0, rows, size))
    return [slice(start, start + size) for start in starts]


def _rounded_up(rows: int, count: int, step: int) -> int:
    """The size of so many stretches: a multiple of the step."""
    return math.ceil(rows / count / step) * step


def make_linear(weight: torch.Tensor, bias: torch.Tensor | None) -> PrepackedLinear | PlainLinear:
    return (PrepackedLinear if is_prepackable(weight) else PlainLinear)(weight, bias)


def replace_linears(model: Any, make: Make = PrepackedLinear) -> None:
    """Make anew all linear layers that gain by it, of a model in evaluation mode, on its device and in its dtype."""
    for module in [*model.modules()]:
        if isinstance(module, READERS):
            continue
        for name, child in module.named_children():
            if type(child) is nn.Linear and is_prepackable(child.weight):
                setattr(module, name, make(child.weight, child.bias))


def is_prepackable(weight: torch.Tensor) -> bool:
    if weight.device.type != "cpu" or platform.machine() not in {"x86_64", "AMD64"}:
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001
    return weight.dtype == torch.float32
