"""Beams over one window's sound: what they have in common is computed, kept and read once, not once a beam.

transformers' beam search repeats the encoder's output for each beam (five, where the pipeline isn't told otherwise),
projects each copy to the keys and values of every layer, reads them all at each token, and moves them all whenever it
sorts the beams. They are the same for all beams of a window (docs/performance.md).
"""

import weakref
from typing import Any

import torch
from torch import nn


def share_sound(model: Any) -> None:
    """For a Whisper model in evaluation mode."""
    beams = Beams()
    for layer in model.get_decoder().layers:
        layer.encoder_attn = SharedAttention(layer.encoder_attn, beams)
    model._reorder_cache = _reorder  # noqa: SLF001


class Beams:
    """How many rows in turn of an encoder's output are the same: looked at once for each output."""

    def __init__(self) -> None:
        self._seen: weakref.ref[torch.Tensor] | None = None
        self._count = 1

    def count(self, sound: torch.Tensor) -> int:
        """sound: [row, frame, channel]."""
        if self._seen is None or self._seen() is not sound:
            self._seen = weakref.ref(sound)
            self._count = _repeats(sound)
        return self._count


class SharedAttention(nn.Module):
    """In place of a decoder layer's attention to the sound."""

    def __init__(self, attention: Any, beams: Beams) -> None:
        super().__init__()
        self.attention, self._beams = attention, beams

    def forward(
        self,
        hidden_states: torch.Tensor,
        key_value_states: torch.Tensor,
        past_key_values: Any = None,
        **others: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """As transformers calls it."""
        its = self.attention
        beams = self._beams.count(key_value_states)
        # Whoever wants the weights (the times of words) gets them from transformers, for every beam.
        if beams == 1 or past_key_values is None or its.config._attn_implementation == "eager":  # noqa: SLF001
            found: tuple[torch.Tensor, torch.Tensor | None] = its(
                hidden_states, key_value_states=key_value_states, past_key_values=past_key_values, **others
            )
            return found
        keys, values = self._heard(key_value_states[::beams], past_key_values)
        rows, tokens, _ = hidden_states.shape
        queries = (its.q_proj(hidden_states) * its.scaling).view(rows // beams, beams * tokens, its.num_heads, -1)
        heads = nn.functional.scaled_dot_product_attention(queries.transpose(1, 2), keys, values, scale=1.0)
        return its.out_proj(heads.transpose(1, 2).reshape(hidden_states.shape)), None

    def _heard(self, sound: torch.Tensor, cache: Any) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values of each window, made with its first token."""
        its, kept = self.attention, cache.cross_attention_cache
        if not cache.is_updated.get(its.layer_idx):
            cache.is_updated[its.layer_idx] = True
            shape = (len(sound), -1, its.num_heads, its.head_dim)
            keys, values = (
                project(sound).view(shape).transpose(1, 2).contiguous() for project in (its.k_proj, its.v_proj)
            )
            kept.update(keys, values, its.layer_idx)
        layer = kept.layers[its.layer_idx]
        return layer.keys, layer.values


def _reorder(cache: Any, order: torch.Tensor) -> Any:
    """Beams change places with those of their own window only, so what they hear stays."""
    cache.self_attention_cache.reorder_cache(order)
    return cache


def _repeats(sound: torch.Tensor) -> int:
    count = 1
    while count < len(sound) and torch.equal(sound[0], sound[count]):
        count += 1
    if len(sound) % count:
        return 1
    groups = sound.reshape(-1, count, *sound.shape[1:])
    return count if torch.equal(groups, groups[:, :1].expand_as(groups)) else 1
