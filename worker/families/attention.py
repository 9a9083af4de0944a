"""Attention on a CPU: of each window over its own frames, and a few heads at a time where that is sooner.

torch's attention for CPUs multiplies bfloat16 no faster than float32, unless there is AMX: plain products use what the
CPU has for bfloat16, and lose nothing by it as long as their scores stay in its cache (docs/performance.md).
"""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward

from worker.families.pack import Pack

#: what transformers calls the two ways to attend
ALL_HEADS, FEW_HEADS = "all_heads", "few_heads"
#: scores that are made at once: 4 MB in half precision, what the second caches of two cores hold or nearly
MOST_SCORES = 1 << 21
#: a few heads' frames are filled up to a multiple of so many: oneDNN compiles a product for each size, and keeps it
STEP_FRAMES = 128

#: query, key and value of one window [head, frame, channel], the scores' scale, and where the outcome goes
#: [frame, head, channel]
Way = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, float, torch.Tensor], None]


def replace_attention(model: Any, pack: Pack | None = None) -> None:
    """Give a model on a CPU this attention: where it is sooner, or where windows come packed."""
    if model.device.type != "cpu":
        return
    name = FEW_HEADS if few_heads_are_sooner(model) else ALL_HEADS
    if name == ALL_HEADS and pack is None:
        return
    for module in filter(attends_as_told, model.modules()):
        # A configuration of its own: the others, those of a decoder, go on with torch's.
        module.config = copy.copy(module.config)
        module.config._attn_implementation = name  # noqa: SLF001
        module.pack = pack


def few_heads_are_sooner(model: Any) -> bool:
    """By what this CPU has, not by a trial, so that a worker's text doesn't hang on how busy its machine was."""
    if model.dtype != torch.bfloat16:
        return False
    return torch.cpu._is_avx512_bf16_supported() and not torch.cpu._is_amx_tile_supported()  # noqa: SLF001


def attends_as_told(module: Any) -> bool:
    """Whether it attends as its configuration says, from all frames to all, and isn't asked for its weights."""
    config = getattr(module, "config", None)
    return (
        getattr(module, "is_causal", True) is False
        and getattr(module, "is_decoder", True) is False
        and getattr(config, "_attn_implementation", None) == "sdpa"
    )


def attend(  # noqa: PLR0917
    way: Way,
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
    channel]. Packed windows come as one. Whatever isn't plain attention of frames to all frames of their window is
    left to torch.
    """
    if attention_mask is not None or query.shape != key.shape or others.get("position_bias") is not None:
        theirs: torch.Tensor
        theirs, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
        return theirs, None
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    windows, heads, frames, channels = query.shape
    output = query.new_empty(windows, frames, heads, channels)
    pack: Pack | None = module.pack
    spans = pack.frames if pack is not None and pack.frames else [slice(0, frames)]
    output[:, spans[-1].stop :] = 0  # what fills a pack up
    for window in range(windows):
        for span in spans:
            own = window, slice(None), span
            way(query[own], key[own], value[own], scale, output[window, span])
    return output, None


def _all_heads(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float, output: torch.Tensor) -> None:
    some = nn.functional.scaled_dot_product_attention(query[None], key[None], value[None], scale=scale)
    output.copy_(some[0].transpose(0, 1))


def _few_heads(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, scale: float, output: torch.Tensor) -> None:
    heads, frames, _ = query.shape
    filling = (0, 0, 0, -frames % STEP_FRAMES)
    query, key, value = (nn.functional.pad(rows, filling) for rows in (query * scale, key, value))
    step = max(1, MOST_SCORES // query.shape[1] ** 2)
    for first in range(0, heads, step):
        some = slice(first, first + step)
        scores = query[some] @ key[some].transpose(1, 2)
        scores[..., frames:] = -torch.inf
        torch.softmax(scores, -1, out=scores)
        output[:, some] = (scores @ value[some])[:, :frames].transpose(0, 1)


AttentionInterface.register(ALL_HEADS, partial(attend, _all_heads))
AttentionInterface.register(FEW_HEADS, partial(attend, _few_heads))
