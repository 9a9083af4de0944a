"""Convolutions that this machine computes wrongly in half precision: each is tried at start, wrong ones run in float32.

oneDNN's bfloat16 convolutions give wrong sums, silently, for some shapes on some CPUs. (torch 2.13 on a CPU with AMX:
12 channels in a group, as in the bundled model's positional convolution, whose text was nonsense; 16 or more are right.
pytorch#163347, open.)
"""

from typing import Any

import structlog
import torch

log = structlog.get_logger()

#: relative error (Euclidean norm) from which a result is wrong: half precision explains 0.002, the wrong ones had 1.1
WRONG = 0.05
#: output frames of a trial; ten windows' worth would say the same
FRAMES = 200


def mend_convolutions(model: Any) -> None:
    """For a model in evaluation mode, on its device and in its dtype."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Conv1d) and module.weight.dtype != torch.float32 and _is_wrong(module):
            log.warning("model.convolution_wrong", name=name, dtype=str(module.weight.dtype), runs_in="float32")
            _run_in_float32(module)


def _is_wrong(conv: torch.nn.Conv1d) -> bool:
    samples = (FRAMES - 1) * conv.stride[0] + conv.dilation[0] * (conv.kernel_size[0] - 1) + 1
    noise = torch.randn(2, conv.in_channels, samples, generator=torch.Generator().manual_seed(0)).to(conv.weight)
    with torch.inference_mode():
        found = conv(noise).float()
        bias = None if conv.bias is None else conv.bias.float()
        right = conv._conv_forward(noise.float(), conv.weight.float(), bias)  # noqa: SLF001
    return not bool((found - right).norm() <= WRONG * right.norm())


def _run_in_float32(conv: torch.nn.Conv1d) -> None:
    dtype = conv.weight.dtype
    conv.float()
    conv.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
    conv.register_forward_hook(lambda _module, _inputs, output: output.to(dtype))
