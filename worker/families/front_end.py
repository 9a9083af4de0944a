"""A CTC model's convolutions over the waveform as matrix products on rows of channels: sooner on CPUs, same numbers.

A layer-norm front end normalises each frame over its channels, so transformers transposes tens of megabytes twice a
layer, and the convolutions reorder them once more: on a CPU with fast bfloat16 half of the forward pass
(docs/performance.md). With the channels last nothing is moved. A kernel of k taps at a stride of s is the product of
overlapping rows of k · channels with its weights; s taps at a time, the rows lie in memory as they are.
"""

from typing import Any

import torch
from torch import nn

from worker.families.linear import make_linear, stretches


class RowsLayer(nn.Module):
    """One layer: convolution, layer norm over the channels, activation."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        conv = layer.conv
        self._taps, self._stride, self._channels = conv.kernel_size[0], conv.stride[0], conv.in_channels
        self.norm, self.activation = layer.layer_norm, layer.activation
        weight = conv.weight.detach().transpose(1, 2).flatten(1)  # [out, tap and channel]
        # One channel's rows are so short that copying them costs nothing.
        self._step = self._taps if self._channels == 1 else self._stride
        first, *others = weight.split(self._step * self._channels, dim=1)
        self.parts = nn.ModuleList([make_linear(first, conv.bias), *(make_linear(part, None) for part in others)])

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """[sample, channel] to [frame, channel]; a stretch is normalised while the caches hold it."""
        frames = (len(rows) - self._taps) // self._stride + 1
        output: torch.Tensor | None = None
        for stretch in stretches(frames):
            hidden = self.activation(self.norm(self._convolve(rows, stretch)))
            output = hidden.new_empty(frames, hidden.shape[1]) if output is None else output
            output[stretch] = hidden
        return rows.new_empty(0, self.norm.normalized_shape[0]) if output is None else output

    def _convolve(self, rows: torch.Tensor, stretch: slice) -> torch.Tensor:
        parts: list[Any] = list(self.parts)
        first, *others = parts
        total: torch.Tensor = first(self._seen(rows, stretch, 0))
        for number, part in enumerate(others, 1):
            total = part.add(self._seen(rows, stretch, number), total)
        return total

    def _seen(self, rows: torch.Tensor, stretch: slice, number: int) -> torch.Tensor:
        """What a part of the taps sees, for each frame of a stretch."""
        first = (stretch.start * self._stride + number * self._step) * self._channels
        width = min(self._step, self._taps - number * self._step) * self._channels
        size, strides = (stretch.stop - stretch.start, width), (self._stride * self._channels, 1)
        return rows.as_strided(size, strides, rows.storage_offset() + first)


class RowsFrontEnd(nn.Module):
    """In place of transformers' feature encoder: [window, sample] to [window, channel, frame], window by window."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(RowsLayer(layer) for layer in encoder.conv_layers))

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        return torch.stack([self.layers(wave.contiguous()[:, None]) for wave in waves]).transpose(1, 2)


def replace_front_end(model: Any) -> bool:
    """Give a model on a CPU the faster front end where it fits; whether it did."""
    encoder = getattr(model.base_model, "feature_extractor", None)
    layers = getattr(encoder, "conv_layers", None)
    if model.device.type != "cpu" or not layers or not all(_fits(layer) for layer in layers):
        return False
    model.base_model.feature_extractor = RowsFrontEnd(encoder)
    return True


def _fits(layer: Any) -> bool:
    conv = getattr(layer, "conv", None)
    return (
        isinstance(conv, nn.Conv1d)
        and (conv.padding, conv.dilation, conv.groups) == ((0,), (1,), 1)
        and isinstance(getattr(layer, "layer_norm", None), nn.LayerNorm)
        and hasattr(layer, "activation")
    )
