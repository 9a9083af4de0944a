"""What goes into a forward pass and what comes out of it, without the libraries that run it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jobs.errors import TingxieError
from jobs.ledger.units import WindowLease

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ForwardInput:
    """A claimed window and its samples: mono float32 at the model's rate, context included, -1 to 1."""

    lease: WindowLease
    samples: Samples


@dataclass(frozen=True, slots=True)
class ForwardOutput:
    """payload: packed tokens for finish (context trimmed, opaque to the ledger); none where nobody speaks for certain.

    text: this window's own text.
    """

    payload: bytes
    text: str


class ForwardError(TingxieError):
    """A forward pass that gave no result. Its windows are handed back or suspected; never shown to a client."""

    type = "forward-failed"
    title = "The model could not be run on these windows"


class OutOfMemory(ForwardError):
    """The batch was too large for the device's memory; a smaller one may fit."""

    type = "out-of-memory"
    title = "The device has not enough memory for this batch"


class DeviceLost(ForwardError):
    """The device is in a state that only a new process gets rid of."""

    type = "device-lost"
    title = "The device no longer works in this process"
