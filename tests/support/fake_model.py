"""A model without torch: each 20 ms frame's token is read off its loudness, so the text follows from the audio alone.

`python -m tests.support.fake_model` is `tingxie worker transcribe` with it: starts in a second, and costs no compute
but what `TINGXIE_TEST_FORWARD_S` asks it to sleep for each second of audio.
"""

import os
import time
from collections.abc import Callable

import numpy as np

from jobs.ledger.units import DeviceMemory
from jobs.model import ModelSpec
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from worker.forward import ForwardInput, ForwardOutput
from worker.memory import process_memory
from worker.program import end
from worker.runs import Runs
from worker.transcribe_process import run_transcribe
from worker.vocabulary import VOCABULARY_FILE, Vocabulary

NAME = "fake"
RATE_HZ = 16_000
HOP = 320
BLANK = "<pad>"
VOCABULARY = Vocabulary((BLANK, *"零一二三四五六七八九"), BLANK, None, " ", frozenset())
SLEEP = "TINGXIE_TEST_FORWARD_S"


class FakeModel:
    """One token for each step of loudness, blank for silence."""

    def __init__(self, before: Callable[[list[ForwardInput]], None] = lambda _: None) -> None:
        self._before = before
        self._sleep_share = float(os.environ.get(SLEEP, "0"))
        self.spec = ModelSpec(
            model=NAME,
            revision="1",
            dtype="float32",
            family="ctc",
            sampling_rate_hz=RATE_HZ,
            hop_samples=HOP,
            receptive_field_samples=HOP,
            max_window_s=60.0,
            equal_lengths_only=False,
            language="zh",
            blank_id=0,
        )

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        self._before(windows)
        time.sleep(self._sleep_share * sum(len(each.samples) for each in windows) / RATE_HZ)
        return [_output(each) for each in windows]

    def memory(self) -> DeviceMemory:
        return process_memory()

    def save_tokenizer(self, store: AudioStore) -> None:
        store.write(layout.model_folder(self.spec.key) + VOCABULARY_FILE, [VOCABULARY.to_json()], sync=True)


def _output(window: ForwardInput) -> ForwardOutput:
    place = window.lease.window
    frames = len(window.samples) // HOP
    peaks = np.abs(window.samples[: frames * HOP]).reshape(frames, HOP).max(axis=1)
    ids = np.minimum(np.rint(peaks * 10), len(VOCABULARY.tokens) - 1).astype(np.int64)
    last = frames - place.right_samples // HOP
    kept = Runs.of_frames(ids[place.left_samples // HOP : last], np.ones(last - place.left_samples // HOP))
    return ForwardOutput(kept.pack(), VOCABULARY.text(int(token) for token in kept.ids if token))


def serve(before: Callable[[list[ForwardInput]], None] = lambda _: None) -> None:
    """Be a transcribe worker with this model; `before` runs ahead of each forward and may do its worst."""
    end(run_transcribe(Settings(), lambda _: FakeModel(before)))


if __name__ == "__main__":
    serve()
