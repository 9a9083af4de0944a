"""The dtypes besides float32 that this CPU has instructions for."""

import torch

from worker.families.linear import is_prepackable
from worker.families.quantized import INT8, can_quantize

#: those that the service never chooses by itself
OPT_IN_DTYPES = (INT8,) if can_quantize() else ()
#: without instructions for it a pass in bfloat16 takes minutes
FAST_DTYPES = ("bfloat16", *OPT_IN_DTYPES) if is_prepackable(torch.empty(1, 1, dtype=torch.bfloat16)) else OPT_IN_DTYPES
