"""Joins the windows' runs into the tokens of the whole job: one collapse, then blanks and specials go.

The order matters: blanks separate true doubles (妈妈), so they go after the collapse; specials go last of all, so that
removing one never joins its neighbours.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from worker.runs import Runs
from worker.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Tokens:
    """The transcript's tokens in order: ids, first frame, frame after the last one, mean confidence.

    loud: of each frame of the audio, whether something is heard in it.
    """

    ids: npt.NDArray[np.int64]
    start_frames: npt.NDArray[np.int64]
    stop_frames: npt.NDArray[np.int64]
    confidences: npt.NDArray[np.float64]
    loud: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ids)


def stitch(windows: Iterable[Runs], vocabulary: Vocabulary) -> Tokens:
    """Collapse once over all windows; their kept frames lie end to end. Frames count from the job's start."""
    # Hugging Face collapses equal texts. Only unknown ids share one, <unk>, and those go anyway.
    runs = Runs.joined(windows).merged()
    stops = np.cumsum(runs.lengths)
    kept = vocabulary.spoken[runs.ids]
    return Tokens(runs.ids[kept], (stops - runs.lengths)[kept], stops[kept], runs.confidences[kept], runs.loud)
