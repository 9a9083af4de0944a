"""The dtypes that a CPU computes fast and the service never chooses by itself."""

from worker.families.quantized import INT8, can_quantize

#: on this CPU
OPT_IN_DTYPES = (INT8,) if can_quantize() else ()
