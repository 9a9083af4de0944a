"""Attention a few heads at a time, so that their scores stay in a CPU's cache: in bfloat16 sooner than torch's own.

torch's attention for CPUs multiplies bfloat16 no faster than float32, unless there is AMX. Plain products use what the
CPU has for bfloat16, and lose nothing by it as long as their scores needn't go to memory and back
(docs/performance.md).
"""

import copy
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

#: what transformers calls this way to attend
NAME = "few_heads"
#: scores that are made at once: 4 MB in half precision, what the second caches of two cores hold or nearly
MOST_SCORES = 1 << 21
#: windows are filled up to a multiple of so many frames: oneDNN compiles a product for each size, and keeps it (2 MB)
STEP_FRAMES = 128


def replace_attention(model: Any) -> bool:
    """Give a model this attention where it is sooner; whether it did."""
    if not is_sooner(model):
        return False
    modules = [module for module in model.modules() if _fits(module)]
    for module in modules:
        # A configuration of its own: the others, those of a decoder, go on with torch's.
        module.config = copy.copy(module.config)
        module.config._attn_implementation = NAME  # noqa: SLF001
    return bool(modules)


def is_sooner(model: Any) -> bool:
    """By what this CPU has, not by a trial, so that a worker's text doesn't hang on how busy its machine was."""
    if model.device.type != "cpu" or model.dtype != torch.bfloat16:
        return False
    return torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()  # noqa: SLF001


def attend(  # noqa: PLR0917
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others: Any,
) -> tuple[torch.Tensor, None]:
    """As transformers calls it, with query, key and value [window, head, frame, channel]; gives [window, frame, head,
    channel]. Whatever isn't plain attention of frames to all frames of their window is left to torch.
    """
    counts = _frames(attention_mask, windows=len(query), most=key.shape[2])
    if counts is None or query.shape != key.shape or others.get("position_bias") is not None:
        output: torch.Tensor
        output, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
        return output, None
    return _attend(query * (query.shape[-1] ** -0.5 if scaling is None else scaling), key, value, counts), None


AttentionInterface.register(NAME, attend)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, counts: list[int]) -> torch.Tensor:
    """counts: how many frames of each window there are, before those that only fill it up."""
    windows, heads, frames, channels = query.shape
    output = query.new_empty(windows, frames, heads, channels)
    filling = (0, 0, 0, -frames % STEP_FRAMES)
    query, key, value = (nn.functional.pad(rows, filling) for rows in (query, key, value))
    step = max(1, MOST_SCORES // query.shape[2] ** 2)
    for window, count in enumerate(counts):
        for first in range(0, heads, step):
            some = slice(first, first + step)
            scores = query[window, some] @ key[window, some].transpose(1, 2)
            scores[..., count:] = -torch.inf
            torch.softmax(scores, -1, out=scores)
            output[window, :, some] = (scores @ value[window, some])[:, :frames].transpose(0, 1)
    return output


def _frames(mask: torch.Tensor | None, *, windows: int, most: int) -> list[int] | None:
    """How many frames each window has by its mask; nothing for a mask that says more than this."""
    if mask is None:
        return [most] * windows
    if mask.dtype != torch.bool or mask.shape[1] != 1 or not torch.equal(mask[:, 0, 0], mask[:, 0, -1]):
        return None
    rows = mask[:, 0, 0]
    counts: list[int] = rows.sum(-1).tolist()
    return counts if all(row[:count].all() for row, count in zip(rows, counts, strict=True)) else None


def _fits(module: Any) -> bool:
    """Whether it attends as its configuration says, from all frames to all, and isn't asked for its weights."""
    config = getattr(module, "config", None)
    return (
        getattr(module, "is_causal", True) is False
        and getattr(module, "is_decoder", True) is False
        and getattr(config, "_attn_implementation", None) == "sdpa"
    )
