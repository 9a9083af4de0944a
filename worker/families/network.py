"""A CTC model as it is called: windows in, each window's scores out; here as transformers does it, by padding."""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import torch

from worker.families.batches import batches_of_like_length
from worker.forward import Samples

#: seconds of audio that a CPU takes at once: more only needs more memory, and its caches lose what comes next
#: (docs/performance.md)
MOST_CPU_S = 40.0


class Network(Protocol):
    """pipe: transformers' automatic-speech-recognition pipeline, in evaluation mode."""

    @property
    def pipe(self) -> Any: ...

    @property
    def pads(self) -> bool:
        """Whether shorter windows of a batch are filled up to its longest."""
        ...

    def batches(self, lengths: list[int], *, equal_only: bool, lanes: int) -> list[list[int]]:
        """Which windows go through together, of those with so many samples each: groups of indices.

        lanes: so many groups may be run at once.
        """
        ...

    def score(self, windows: list[Samples]) -> list[torch.Tensor]:
        """Each window's scores [frame, token], by the pipeline's own preprocessing. Frames behind those that a window
        has by itself are padding's. Several threads may call at once.
        """
        ...


@dataclass(frozen=True)
class PaddedNetwork:
    pipe: Any
    pads = True

    def batches(self, lengths: list[int], *, equal_only: bool, lanes: int) -> list[list[int]]:  # noqa: ARG002
        return batches_of_like_length(lengths, equal_only=equal_only, most=most_samples(self.pipe))

    def score(self, windows: list[Samples]) -> list[torch.Tensor]:
        extractor = self.pipe.feature_extractor
        features = extractor(
            windows,
            sampling_rate=extractor.sampling_rate,
            padding=True,
            return_tensors="pt",
            return_attention_mask=True,
        )
        if features["attention_mask"].all():
            del features["attention_mask"]  # it would say nothing, and cost a pass over the samples
        features = features.to(dtype=self.pipe.dtype).to(self.pipe.device)
        name = self.pipe.model.main_input_name
        outputs = self.pipe.model(**{name: features[name], "attention_mask": features.get("attention_mask")})
        return list(outputs.logits)


def most_samples(pipe: Any) -> float:
    """That the device takes at once."""
    return MOST_CPU_S * pipe.feature_extractor.sampling_rate if pipe.device.type == "cpu" else math.inf
