"""How many output frames a CTC model's front end makes of n samples (FACTS: the window rule)."""

from dataclasses import dataclass
from math import prod
from typing import Any, Self

from jobs.errors import ModelRefused


@dataclass(frozen=True, slots=True)
class FrameRule:
    """hop_samples: product of the strides. receptive_field_samples: what one frame reads.

    least_samples: a shorter window is filled up with zeros to that; 0 for the receptive field.
    """

    hop_samples: int
    receptive_field_samples: int
    least_samples: int = 0

    @classmethod
    def of_pipeline(cls, pipe: Any) -> Self:
        """Raises ModelRefused for a front end whose frames we can't count."""
        if pipe.feature_extractor.__class__.__name__ == "SeamlessM4TFeatureExtractor":
            return cls._of_stacked_mel()
        return cls.of_config(pipe.model.config)

    @classmethod
    def of_config(cls, config: Any) -> Self:
        """From a transformers configuration; raises ModelRefused where it has no convolutions over the waveform."""
        kernels, strides = getattr(config, "conv_kernel", None), getattr(config, "conv_stride", None)
        if not kernels or not strides:
            raise ModelRefused(f"{config.model_type!r} models have no convolutions over the waveform")
        reach = sum((kernel - 1) * prod(strides[:layer]) for layer, kernel in enumerate(kernels))
        hop, field = prod(strides), 1 + reach
        # SEW's encoder runs on several frames at once and spreads them again.
        squeezed = getattr(config, "squeeze_factor", 1)
        return cls(hop, field, least_samples=field + (squeezed - 1) * hop)

    @classmethod
    def _of_stacked_mel(cls) -> Self:
        """wav2vec2-BERT: mel frames of 400 samples every 160, filled up to an even number, in pairs.

        m = ⌊(n − 400) / 160⌋ + 1 of them make ⌈m / 2⌉ = ⌊(n − 400) / 320⌋ + 1 pairs: as many as convolutions with that
        hop and field. One alone has no variance to be normalised by, so a window has two at least. (transformers 5.23,
        feature_extraction_seamless_m4t.py; the numbers stand in its code, and the probe would tell if they changed.)
        """
        mel_frame, mel_hop, stacked = 400, 160, 2
        return cls(stacked * mel_hop, mel_frame, least_samples=mel_frame + mel_hop)

    @property
    def shortest(self) -> int:
        """The shortest window that the model can run on."""
        return max(self.receptive_field_samples, self.least_samples)

    def frames(self, samples: int) -> int:
        """⌊(n − RF) / H⌋ + 1, and 0 for less than the receptive field."""
        if samples < self.receptive_field_samples:
            return 0
        return (samples - self.receptive_field_samples) // self.hop_samples + 1
