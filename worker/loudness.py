"""Where something is heard. A CTC model says a character late and ends it early; the sound says when speech begins."""

import numpy as np
import numpy.typing as npt

from worker.forward import Samples

Mask = npt.NDArray[np.bool_]

#: a frame is loud from this share of the window's peak power on (-30 dB)
LOUD_SHARE = 1e-3
#: over a noise floor, a frame must be this many times as powerful as the quietest tenth of the frames (6 dB) …
OVER_FLOOR = 4.0
#: … but never more than this share of the peak (-20 dB): speech without pauses has no floor to go by
FLOOR_SHARE = 1e-2
#: how far an edge may be moved: a slow syllable, in seconds
FARTHEST_S = 0.5
#: a closure within a syllable (the stop before a plosive) is no end, in seconds
GAP_S = 0.08


def loud_frames(samples: Samples, hop: int, frames: int) -> Mask:
    """Of each of the first `frames` stretches of `hop` samples, whether something is heard in it."""
    missing = frames * hop - len(samples)
    rows = (np.pad(samples, (0, missing)) if missing > 0 else samples[: frames * hop]).reshape(frames, hop)
    power = np.einsum("ij,ij->i", rows, rows)
    peak = float(power.max(initial=0.0))
    floor = float(np.percentile(power, 10)) if frames else 0.0
    loud: Mask = power > max(LOUD_SHARE * peak, min(OVER_FLOOR * floor, FLOOR_SHARE * peak))
    return loud


def heard_from(loud: Mask, frame: int, *, not_before: int, frame_s: float) -> int:
    """The frame in which the sound that reaches `frame` began, short gaps included; at most FARTHEST_S earlier."""
    first = max(not_before, frame - round(FARTHEST_S / frame_s))
    return frame - _reach(loud[first:frame][::-1], frame_s)


def heard_until(loud: Mask, frame: int, *, not_after: int, frame_s: float) -> int:
    """The frame after the last one of the sound that goes on from before `frame`; at most FARTHEST_S later."""
    last = min(not_after, len(loud), frame + round(FARTHEST_S / frame_s))
    return frame + _reach(loud[frame:last], frame_s)


def _reach(loud: Mask, frame_s: float) -> int:
    """How many frames the sound reaches from the start on."""
    heard = np.flatnonzero(loud)
    steps = np.diff(heard, prepend=-1)
    ends = np.flatnonzero(steps - 1 > GAP_S / frame_s)
    within = heard[: ends[0]] if len(ends) else heard
    return int(within[-1]) + 1 if len(within) else 0
