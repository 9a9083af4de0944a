"""A transcribe worker of a simulated device: a forward only sleeps, 160 ms for 20 s of audio.

What its process computes is what the service itself costs: claim, load, commit, hint. `python -m
bench.simulated_device`.
"""

import time

import numpy as np

from jobs.settings import Settings
from tests.support.fake_model import HOP, RATE_HZ, FakeModel
from worker.forward import ForwardInput, ForwardOutput
from worker.program import end
from worker.runs import Runs
from worker.transcribe_process import run_transcribe

#: a window of 20 s takes 160 ms, as a fast GPU's share of a batch does
SLEEP_PER_AUDIO_S = 0.160 / 20.0
#: of speech, a character every 0.2 s: token and blank in turn
FRAMES_PER_CHAR = 10


class SimulatedDevice(FakeModel):
    def __init__(self) -> None:
        super().__init__()
        self._outputs: dict[int, ForwardOutput] = {}

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        time.sleep(SLEEP_PER_AUDIO_S * sum(len(each.samples) for each in windows) / RATE_HZ)
        return [self._output(each) for each in windows]

    def _output(self, window: ForwardInput) -> ForwardOutput:
        """Made once for each length, so that the simulation itself costs nothing."""
        place = window.lease.window
        frames = (place.cut_stop - place.cut_start) // HOP
        if frames not in self._outputs:
            ids = np.where(np.arange(frames) % FRAMES_PER_CHAR == 0, 1 + np.arange(frames) // FRAMES_PER_CHAR % 9, 0)
            runs = Runs.of_frames(ids, np.ones(frames))
            self._outputs[frames] = ForwardOutput(runs.pack(), "一" * (frames // FRAMES_PER_CHAR))
        return self._outputs[frames]


if __name__ == "__main__":
    end(run_transcribe(Settings(), lambda _: SimulatedDevice()))
