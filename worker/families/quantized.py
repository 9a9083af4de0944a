"""Linear layers in int8: weights with a scale for each output, each row of what is given with a scale of its own.

oneDNN multiplies bytes twice as fast as bfloat16 on a CPU with VNNI and without AMX, four times as fast as float32
(docs/performance.md). The scheme is CTranslate2's (its page "Quantization", int8): since a row's scale is its own, what
comes of a window doesn't hang on the windows beside it.

The operator is the one that torch's own compiler puts in place of a quantised linear layer
(torch/_inductor/fx_passes/quantization.py, 2.13).
"""

import torch
from torch import nn

from worker.families.linear import is_prepackable, stretches

#: what settings and specs call it
INT8 = "int8"
#: a row's largest value: a little below 127, since a scale that is rounded to bfloat16 may be 1/256 too small
LARGEST = 126.5
#: what a row of zeros is divided by
LEAST_SCALE = 1e-20
#: bytes with a sign are multiplied slowly: 128 is added to each, which flips its first bit
ZERO, SIGN = 128, -128
#: rows that a core's cache holds while they are quantised
ROWS_AT_ONCE = 128


class QuantizedLinear(nn.Module):
    """weight: [out, in]; bias: [out], or nothing. Both in the dtype of what is given and comes out."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        super().__init__()
        exact = weight.detach().float()
        self._scales = (exact.abs().amax(1) / 127).clamp_min(LEAST_SCALE)
        whole = (exact / self._scales[:, None]).round().to(torch.int8)
        self._prepacked = prepacked(whole)
        self._zeros = torch.zeros(len(whole), dtype=torch.int64)
        given = weight.new_zeros(len(whole)) if bias is None else bias.detach()
        self.bias = nn.Parameter(given, requires_grad=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[…, in] to […, out]."""
        flat = rows.reshape(-1, rows.shape[-1])
        whole, scales = quantize_rows(flat)
        output = rows.new_empty(len(flat), len(self.bias))
        for each in stretches(len(flat)):
            torch.addcmul(self.bias, self._product(whole[each], rows.dtype), scales[each], out=output[each])
        return output.view(*rows.shape[:-1], len(self.bias))

    def _product(self, whole: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
        """As if each row's scale were 1."""
        return multiply(whole, (self._prepacked, self._scales, self._zeros), dtype)


def prepacked(whole: torch.Tensor) -> torch.Tensor:
    """A weight of bytes with a sign [out, in], in the order in which `multiply` reads it."""
    packed: torch.Tensor = torch.ops.onednn.qlinear_prepack(whole, None)
    return packed


def multiply(
    whole: torch.Tensor, weight: tuple[torch.Tensor, torch.Tensor, torch.Tensor], dtype: torch.dtype
) -> torch.Tensor:
    """Bytes around ZERO [row, in] by a prepacked weight with its scales and zeros [out]: [row, out] in that dtype."""
    product: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
        whole, 1.0, ZERO, *weight, None, 1.0, 0, dtype, "none", [], ""
    )
    return product


def quantize_rows(rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[row, in] to the same as unsigned bytes around ZERO, and each row's scale [row, 1] in the rows' dtype."""
    whole = torch.empty(rows.shape, dtype=torch.int8)
    scales = rows.new_empty(len(rows), 1)
    for first in range(0, len(rows), ROWS_AT_ONCE):
        some = slice(first, first + ROWS_AT_ONCE)
        exact = rows[some].float()
        largest = torch.maximum(exact.amax(1, keepdim=True), exact.amin(1, keepdim=True).neg())
        scales[some] = (largest / LARGEST).clamp_min(LEAST_SCALE)
        whole[some] = (exact * scales[some].float().reciprocal()).round_()
    return whole.bitwise_xor_(SIGN).view(torch.uint8), scales


def can_quantize() -> bool:
    """Whether this CPU adds up products of bytes without overflow: AVX-512 VNNI."""
    return is_prepackable(torch.empty(1, 1)) and torch.cpu._is_vnni_supported()  # noqa: SLF001
