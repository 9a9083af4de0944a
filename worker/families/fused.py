"""Query, key and value of a self-attention as one product: sooner on CPUs, same numbers.

oneDNN keeps a second core from much of a product as small as one of the three is for one window (docs/performance.md).
transformers asks for them one after the other, of the same rows: the first to be asked computes all.
"""

import threading
from typing import Any

import torch
from torch import nn

from worker.families.linear import READERS, Make, PrepackedLinear, is_prepackable

NAMES = ("q_proj", "k_proj", "v_proj")


class Seen(threading.local):
    """The rows that a thread saw last, and the parts of their product that weren't given out yet."""

    def __init__(self) -> None:
        self.rows: torch.Tensor | None = None
        self.left: dict[int, torch.Tensor] = {}


class Fused:
    """The product of the rows that were seen last, until each part of it was given out."""

    def __init__(self, linears: list[nn.Linear], make: Make) -> None:
        weights: list[torch.Tensor] = [linear.weight for linear in linears]
        biases: list[torch.Tensor] = [linear.bias for linear in linears if linear.bias is not None]
        self._all = make(torch.cat(weights), torch.cat(biases) if biases else None)
        self._sizes = [linear.out_features for linear in linears]
        self._seen = Seen()

    def part(self, rows: torch.Tensor, number: int) -> torch.Tensor:
        """[…, in] to […, out] of one of the linear layers."""
        seen = self._seen
        if rows is not seen.rows or number not in seen.left:
            seen.rows, seen.left = rows, dict(enumerate(self._all(rows).split(self._sizes, dim=-1)))
        part = seen.left.pop(number)
        if not seen.left:
            seen.rows = None
        return part


class FusedPart(nn.Module):
    """In place of one linear layer."""

    def __init__(self, fused: Fused, number: int) -> None:
        super().__init__()
        self._fused, self._number = fused, number

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self._fused.part(rows, self._number)


def fuse_attention(model: Any, make: Make = PrepackedLinear) -> None:
    """Fuse wherever a model's weights can be prepacked, before they are. make: the layer that computes all three."""
    for module in model.modules():
        linears = [getattr(module, name, None) for name in NAMES]
        if not isinstance(module, READERS) and _fit(module, linears):
            fused = Fused(linears, make)  # type: ignore[arg-type]
            for number, name in enumerate(NAMES):
                setattr(module, name, FusedPart(fused, number))


def _fit(module: Any, linears: list[Any]) -> bool:
    """All three are plain, of the same rows, and all have a bias or none has."""
    if not all(type(linear) is nn.Linear and is_prepackable(linear.weight) for linear in linears):
        return False
    same = len({(linear.in_features, linear.bias is None) for linear in linears}) == 1
    return same and getattr(module, "is_decoder", True) is False
