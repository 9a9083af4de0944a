"""Linear layers whose weights lie in memory as oneDNN multiplies them: sooner on CPUs, same numbers.

torch hands a product in bfloat16 to oneDNN, which puts the weights in order anew each time, and one in float32 to MKL,
which multiplies no faster than AVX2 on AMD's CPUs. Packed once, weights need neither (docs/performance.md). The
operators are those that torch's own compiler puts in place of a linear layer when it freezes a model
(torch/_inductor/fx_passes/mkldnn_fusion.py, 2.13).
"""

import platform
from typing import Any

import torch
from torch import nn
from transformers.models.wavlm.modeling_wavlm import WavLMAttention

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
        product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(  # noqa: SLF001
            rows, self._packed, self.bias, "none", [], ""
        )
        return product

    def add(self, rows: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
        """The product more, rounded once; total is used up."""
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
