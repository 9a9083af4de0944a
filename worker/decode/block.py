"""What decoders give: stretches of samples as a file holds them."""

import numpy as np
from numpy.typing import NDArray

#: (frames, channels); float32 of full scale 1.0, or a 16-bit file's integers, as they cost half to read and look over
Block = NDArray[np.float32 | np.int16]
#: one channel, float32 of full scale 1.0
Samples = NDArray[np.float32]


def full_scale(block: Block) -> float:
    """What a sample at full scale is in it. (Dividing by it is exact: powers of two.)"""
    return 32768.0 if block.dtype == np.int16 else 1.0
