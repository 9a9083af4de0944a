"""The frame-count probe: runs a CTC model at start-up on made-up sound and refuses what the window rule can't serve.

A wrong frame count would shift every later timestamp and lose or double text at each seam, silently. So it is measured,
not believed: adapter layers, for instance, halve the frames without a word in the convolutions' configuration.
"""

import numpy as np
import torch

from jobs.errors import ModelRefused
from worker.families.frames import FrameRule
from worker.families.network import Network
from worker.forward import Samples

#: relative difference of two score tables (Euclidean norm) that only the order of summation explains: 1e-6 measured on
#: random wav2vec2 models in float32, against 0.1 and more where padding changes them; the bound in half precision is
#: an estimate between the two, from bfloat16's 8 bits of mantissa
SAME_FLOAT32 = 1e-3
SAME_HALF = 6e-2


def probe_frames(network: Network, rule: FrameRule) -> None:
    """Raises ModelRefused unless the model gives F(n) frames for lengths around its steps and for odd ones."""
    pipe = network.pipe
    hop, field, rate = rule.hop_samples, rule.receptive_field_samples, pipe.feature_extractor.sampling_rate
    ratio = getattr(pipe.model.config, "inputs_to_logits_ratio", None)
    if ratio != hop:
        raise ModelRefused(f"its configuration says {ratio} samples a frame, its convolutions {hop}")
    steps = [field + number * hop for number in (1, 2)]
    around = [samples for step in steps for samples in (step - 1, step) if samples >= rule.shortest]
    for samples in (rule.shortest, *around, rate, rate + hop // 2 + 1):
        (found,) = (len(scores) for scores in _scores(network, [_sound(samples)]))
        if found != rule.frames(samples):
            raise ModelRefused(f"{samples} samples gave {found} frames, and {rule.frames(samples)} were expected")


def probe_needs_equal_lengths(network: Network, rule: FrameRule) -> bool:
    """Whether padding changes what a window gets; raises ModelRefused if even a batch of equal lengths does."""
    pipe = network.pipe
    rate = pipe.feature_extractor.sampling_rate
    long, other, short = _sound(rate), _sound(rate, seed=1), _sound(rate * 2 // 3, seed=2)
    alone = _scores(network, [short])[0]
    if not _same(_scores(network, [other, long])[1], _scores(network, [long])[0], pipe.dtype):
        raise ModelRefused("a window's scores change with the others in its batch")
    padded = _scores(network, [long, short])[1][: rule.frames(len(short))]
    return not _same(padded, alone, pipe.dtype)


def _scores(network: Network, windows: list[Samples]) -> list[torch.Tensor]:
    with torch.inference_mode():
        return [scores.float() for scores in network.score(windows)]


def _same(one: torch.Tensor, other: torch.Tensor, dtype: torch.dtype) -> bool:
    tolerance = SAME_FLOAT32 if dtype == torch.float32 else SAME_HALF
    return bool((one - other).norm() <= tolerance * other.norm())


def _sound(samples: int, seed: int = 0) -> Samples:
    """A gliding tone in noise: the same at each start, and no two windows alike."""
    noise = np.random.default_rng(seed).normal(0, 0.02, samples)
    glide = 0.2 * np.sin(np.cumsum(np.linspace(0.05, 0.3 + 0.1 * seed, samples)))
    return (noise + glide).astype(np.float32)
