"""The windows of a batch packed end to end, as one of many frames: on a CPU nothing is padded or masked.

Most layers look at one frame at a time. Those that look further know where each window lies: the convolutions over the
waveform, the positional convolution and attention (worker/families/attention.py). Behind the last window the
pack is filled up to few lengths: oneDNN compiles a product for each number of rows and keeps it
(worker/families/linear.py).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from worker.families.attention import attends_as_told, replace_attention
from worker.families.batches import batches_by_total, batches_of_like_length
from worker.families.linear import ROWS
from worker.families.network import Network, PaddedNetwork, most_samples
from worker.families.pack import Pack
from worker.forward import Samples

#: models in whose encoder nothing else looks beyond a frame (transformers 5.23)
TYPES = ("data2vec-audio", "hubert", "unispeech", "unispeech-sat", "wav2vec2")


@dataclass(frozen=True)
class PackedNetwork:
    pipe: Any
    pack: Pack
    pads = False

    def batches(self, lengths: list[int], *, equal_only: bool, lanes: int) -> list[list[int]]:
        most = most_samples(self.pipe)
        if equal_only:
            return batches_of_like_length(lengths, equal_only=True, most=most)
        return batches_by_total(lengths, most=most, lanes=lanes)

    def score(self, windows: list[Samples]) -> list[torch.Tensor]:
        extractor, model = self.pipe.feature_extractor, self.pipe.model
        waves = extractor(windows, sampling_rate=extractor.sampling_rate)["input_values"]
        with self.pack.of([len(wave) for wave in waves]):
            samples = torch.from_numpy(np.concatenate(waves)).to(model.dtype)
            scores = model(input_values=samples[None]).logits[0]
            return [scores[frames] for frames in self.pack.frames]


def make_network(pipe: Any) -> Network:
    """Packed, where the model allows it and a CPU runs it."""
    pack = Pack() if _is_packable(pipe.model) else None
    replace_attention(pipe.model, pack)
    if pack is None:
        return PaddedNetwork(pipe)
    base = pipe.model.base_model
    base.feature_extractor = PackedFrontEnd(base.feature_extractor, pack)
    base.encoder.pos_conv_embed = PackedPosition(base.encoder.pos_conv_embed, pack)
    return PackedNetwork(pipe, pack)


def _is_packable(model: Any) -> bool:
    config = model.config
    if model.device.type != "cpu" or config.model_type not in TYPES or getattr(config, "add_adapter", False):
        return False
    return all(attends_as_told(layer.attention) for layer in model.base_model.encoder.layers)


class PackedFrontEnd(nn.Module):
    """Window by window; all frames are a multiple of ROWS."""

    def __init__(self, front_end: Any, pack: Pack) -> None:
        super().__init__()
        self.front_end, self._pack = front_end, pack

    def forward(self, waves: torch.Tensor) -> torch.Tensor:
        """[1, sample] to [1, channel, frame]."""
        if not self._pack.lengths:
            return self.front_end(waves)  # type: ignore[no-any-return]
        windows = [self.front_end(wave).transpose(1, 2) for wave in torch.split(waves, self._pack.lengths, dim=1)]
        counts = [window.shape[1] for window in windows]
        self._pack.made(counts)
        filling = waves.new_zeros(1, -sum(counts) % ROWS, windows[0].shape[2])
        return torch.cat([*windows, filling], dim=1).transpose(1, 2)


class PackedPosition(nn.Module):
    """Window by window, each among zeros."""

    def __init__(self, position: Any, pack: Pack) -> None:
        super().__init__()
        self.position, self._pack = position, pack
        # One convolution doesn't tell zeros from a window's end; several of them, or a norm before it, do.
        is_plain = isinstance(getattr(position, "conv", None), nn.Conv1d)
        self._step = ROWS if is_plain and getattr(position, "batch_norm", None) is None else 1

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[1, frame, channel] to the same."""
        if not self._pack.frames:
            return self.position(hidden)  # type: ignore[no-any-return]
        output = torch.zeros_like(hidden)
        for frames in self._pack.frames:
            own = hidden[:, frames]
            filled = nn.functional.pad(own, (0, 0, 0, -own.shape[1] % self._step))
            output[:, frames] = self.position(filled)[:, : own.shape[1]]
        return output
