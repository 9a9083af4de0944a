"""Linear layers whose weights lie in memory as oneDNN multiplies them: sooner on CPUs, same numbers.

torch hands a product in bfloat16 to oneDNN, which puts the weights in order anew each time, and one in float32 to MKL,
which multiplies no faster than AVX2 on AMD's CPUs. Packed once, weights need neither (docs/performance.md). The
operators are those that torch's own compiler puts in place of a linear layer when it freezes a model
(torch/_inductor/fx_passes/mkldnn_fusion.py, 2.13).

oneDNN compiles a product for each number of rows, and keeps it: 2 MB for each length of window and each size of layer.
So rows go through in stretches of a few sizes.
"""

import platform
from typing import Any

import torch
from torch import nn
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

#: rows at once: a multiple of the step, up to what gains no more
STEP_ROWS, MOST_ROWS = 128, 1024
#: modules that read the weights of their linear layers, and hand them to torch
READERS = (WavLMAttention,)


class PackedLinear(nn.Module):
    """weight: [out, in]; bias: [out], or nothing."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.detach().contiguous())  # noqa: SLF001
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)

    @property
    def weight(self) -> torch.Tensor:
        """A copy, for the rare module that looks."""
        weight: torch.Tensor = self._packed.to_dense()
        return weight

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[…, in] to […, out]."""
        flat = rows.reshape(-1, rows.shape[-1])
        some = stretches(len(flat))
        if len(some) == 1:
            return self._product(rows)
        output = rows.new_empty(len(flat), self._packed.shape[0])
        for each in some:
            output[each] = self._product(flat[each])
        return output.view(*rows.shape[:-1], output.shape[-1])

    def _product(self, rows: torch.Tensor) -> torch.Tensor:
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            rows, self._packed, self.bias, "none", [], ""
        )
        return product

    def add(self, rows: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The product of one stretch more, rounded once; total is used up."""
        added: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(  # noqa: SLF001
            rows, total, self._packed, self.bias, "add"
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
    """All rows, in few sizes; the last stretch may begin among the rows of the one before."""
    found: list[slice] = []
    at = 0
    while at < rows:
        left = rows - at
        if left >= STEP_ROWS:
            size = min(MOST_ROWS, left // STEP_ROWS * STEP_ROWS)
        else:
            few = 1 << left.bit_length() - 1
            size = next((last for last in (STEP_ROWS // 2, STEP_ROWS) if left <= last <= rows), few)
            at = min(at, rows - size)
        found.append(slice(at, at + size))
        at += size
    return found


def make_linear(weight: torch.Tensor, bias: torch.Tensor | None) -> PackedLinear | PlainLinear:
    return (PackedLinear if is_packable(weight) else PlainLinear)(weight, bias)


def pack_linears(model: Any) -> None:
    """Pack all weights of a model in evaluation mode, on its device and in its dtype, that gain by it."""
    for module in [*model.modules()]:
        if isinstance(module, READERS):
            continue
        for name, child in module.named_children():
            if type(child) is nn.Linear and is_packable(child.weight):
                setattr(module, name, PackedLinear(child.weight, child.bias))


def is_packable(weight: torch.Tensor) -> bool:
    if weight.device.type != "cpu" or platform.machine() not in {"x86_64", "AMD64"}:
        return False
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    if weight.dtype == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # noqa: SLF001
    return weight.dtype == torch.float32
