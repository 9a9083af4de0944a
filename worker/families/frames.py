"""How many output frames a convolutional front end makes of n samples (FACTS: the window rule)."""

from dataclasses import dataclass
from math import prod
from typing import Any, Self

from jobs.errors import ModelRefused


@dataclass(frozen=True, slots=True)
class FrameRule:
    """hop_samples: product of the strides. receptive_field_samples: what one frame reads."""

    hop_samples: int
    receptive_field_samples: int

    @classmethod
    def of_config(cls, config: Any) -> Self:
        """From a transformers configuration; raises ModelRefused where it has no convolutions over the waveform."""
        kernels, strides = getattr(config, "conv_kernel", None), getattr(config, "conv_stride", None)
        if not kernels or not strides:
            raise ModelRefused(f"{config.model_type!r} models have no convolutions over the waveform")
        reach = sum((kernel - 1) * prod(strides[:layer]) for layer, kernel in enumerate(kernels))
        return cls(prod(strides), 1 + reach)

    def frames(self, samples: int) -> int:
        """⌊(n − RF) / H⌋ + 1, and 0 for less than the receptive field."""
        if samples < self.receptive_field_samples:
            return 0
        return (samples - self.receptive_field_samples) // self.hop_samples + 1
