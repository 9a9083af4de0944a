"""The default architecture with random weights as a worker runs it: int16 samples in, best tokens and confidences out.

The means of `worker/families/ctc.py`, in torch alone: each window normalised in float32, the network in `dtype` with
its weight norm folded, scaled-dot-product attention without a mask, argmax and confidence on the device.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from transformers import Wav2Vec2Config, Wav2Vec2ForCTC

RATE_HZ = 16_000
INT16_SCALE = 1 / 32768
#: as transformers' feature extractor adds it to the variance
VARIANCE_FLOOR = 1e-7
#: of speech's frames, those that say nothing
BLANK_SHARE = 0.8
LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}
TINY = {
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "conv_dim": [32] * 7,
    "num_conv_pos_embedding_groups": 4,
}
#: what wav2vec2-large-xlsr-53-chinese-zh-cn scores
TOKENS = 3503


def make_config(*, tiny: bool) -> Wav2Vec2Config:
    return Wav2Vec2Config(
        vocab_size=64 if tiny else TOKENS,
        feat_extract_norm="layer",
        conv_bias=True,
        do_stable_layer_norm=True,
        apply_spec_augment=False,
        pad_token_id=0,
        **(TINY if tiny else LARGE),
    )


def make_model(config: Wav2Vec2Config, device: torch.device) -> Wav2Vec2ForCTC:
    """In float32, its weight norm folded. Its head is made to say more than one token for ever: the mean score over
    noise is taken off."""
    torch.manual_seed(0)
    model = Wav2Vec2ForCTC(config).eval().to(device)
    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    with torch.no_grad():
        scores = model(normalised(noise(1, 10 * RATE_HZ, 0, device))).logits[0]
        scores -= (mean := scores.mean(0))
        model.lm_head.bias -= mean
        model.lm_head.bias[0] += (scores[:, 1:].amax(-1) - scores[:, 0]).quantile(BLANK_SHARE)
    return model


def noise(batch: int, samples: int, seed: int, device: torch.device) -> Tensor:
    """Windows of int16 whose loudness changes every tenth of a second, so that the tokens change too."""
    generator = torch.Generator().manual_seed(seed)
    loudness = torch.rand(batch, -(-samples // 1600), generator=generator).repeat_interleave(1600, 1)[:, :samples]
    waves = torch.randn(batch, samples, generator=generator) * loudness * 4000
    return waves.clamp(-32768, 32767).to(torch.int16).to(device)


def normalised(samples: Tensor) -> Tensor:
    waves = samples.float() * INT16_SCALE
    variance, mean = torch.var_mean(waves, -1, keepdim=True, correction=0)
    return (waves - mean) * torch.rsqrt(variance + VARIANCE_FLOOR)


class Network(nn.Module):
    """Owns the model that it is given: casts it and fuses its weights in place."""

    def __init__(self, model: Wav2Vec2ForCTC, dtype: torch.dtype, *, fused: bool = False) -> None:
        super().__init__()
        if fused:
            for layer in model.wav2vec2.encoder.layers:
                layer.attention = FusedAttention(layer.attention)
        self.model = model.to(dtype)
        self.dtype = dtype

    def logits(self, samples: Tensor) -> Tensor:
        scores: Tensor = self.model(normalised(samples).to(self.dtype)).logits
        return scores

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Of each frame, context included: its best token, and the inverse perplexity of its scores."""
        logits = self.logits(samples).float()
        logs = logits.log_softmax(-1)
        entropy = -(logs.exp() * logs).sum(-1)
        guess = 1 / logits.shape[-1]
        confidence = ((torch.exp(-entropy) - guess) / (1 - guess)).clamp(0, 1)
        return logits.argmax(-1).to(torch.int16), confidence


class FusedAttention(nn.Module):
    """One matrix for query, key and value in place of three."""

    def __init__(self, parts: Any) -> None:
        super().__init__()
        self.heads, width = parts.num_heads, parts.embed_dim
        self.project, self.out_proj = nn.Linear(width, 3 * width), parts.out_proj
        linears = (parts.q_proj, parts.k_proj, parts.v_proj)
        self.project.weight = nn.Parameter(torch.cat([each.weight for each in linears]))
        self.project.bias = nn.Parameter(torch.cat([each.bias for each in linears]))

    def forward(self, hidden_states: Tensor, **_: Any) -> tuple[Tensor, None]:
        batch, frames, width = hidden_states.shape
        projected = self.project(hidden_states).view(batch, frames, 3, self.heads, width // self.heads)
        attended = functional.scaled_dot_product_attention(*projected.permute(2, 0, 3, 1, 4))
        return self.out_proj(attended.transpose(1, 2).reshape(batch, frames, width)), None


def flops(config: Wav2Vec2Config, samples: int) -> float:
    """Of one window: multiplications and additions of its matrices and convolutions."""
    found, length, inputs = 0.0, samples, 1
    for kernel, stride, outputs in zip(config.conv_kernel, config.conv_stride, config.conv_dim, strict=True):
        length = (length - kernel) // stride + 1
        found += 2.0 * length * kernel * inputs * outputs
        inputs = outputs
    width, inner = config.hidden_size, config.intermediate_size
    layer = 2 * length * (4 * width * width + 2 * width * inner) + 4 * length * length * width
    position = 2 * length * config.num_conv_pos_embeddings * width * width // config.num_conv_pos_embedding_groups
    head = 2 * length * width * config.vocab_size
    return float(found + 2 * length * inputs * width + position + config.num_hidden_layers * layer + head)
