"""The service end to end against the bare batched forward of the same windows, default architecture, random weights.

The bare forward is what the service's model does and no more: the same weights in the same dtype on as many threads, in
as many lanes, windows cut before the clock starts and sorted by length, scores and their best token; at its best batch
of a few. Half of it before the service's turn and half after, since a machine's speed drifts. The service's time is
from the upload's start to the transcript.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import torch

from bench import recordings
from bench.figure import Figure
from bench.random_weights import default_architecture
from bench.stack import service, settle
from jobs.model import ModelSpec
from jobs.settings import Settings
from tingxie.client import Client
from tingxie.stack import usable_cores
from worker.cutting import Cutter, make_rule
from worker.families.ctc import CtcFamily
from worker.forward import Samples
from worker.memory import keep_freed_memory
from worker.model import load_model

AUDIO_S = 1200.0
BATCHES = (1, 2, 4)
#: each batch is tried on so many windows
TRIED_WINDOWS = 4
TIMEOUT_S = 1800.0


def measure(audio_s: float = AUDIO_S) -> list[Figure]:
    folder = default_architecture()
    bare = _Bare(folder, audio_s)
    before_s = bare.half(0)
    ours_s = _service(folder, audio_s)
    after_s = bare.half(1)
    print(f"bare at batch {bare.batch}: {before_s:.1f} s and {after_s:.1f} s; service: {ours_s:.1f} s", flush=True)
    bare_s = before_s + after_s
    return [
        Figure("service, upload to transcript", audio_s / ours_s, "× real time"),
        Figure(
            f"bare forward of the same {bare.count} windows, at batch {bare.batch}", audio_s / bare_s, "× real time"
        ),
        Figure("service ÷ bare forward", bare_s / ours_s, "", "≥ 0.95"),
    ]


def _service(folder: Path, audio_s: float) -> float:
    with tempfile.TemporaryDirectory() as name:
        path = recordings.write(Path(name, "speech.wav"), audio_s)
        warming = recordings.write(Path(name, "warming.wav"), 40.0, start_s=300.0)
        with service("--model", str(folder)) as client:
            _finish(client, warming)
            settle()
            began = time.monotonic()
            _finish(client, path)
            return time.monotonic() - began


def _finish(client: Client, path: Path) -> None:
    job = client.wait(client.submit(path).id, timeout_s=TIMEOUT_S)
    assert job.state == "succeeded", job


class _Bare:
    """The model of the service's own spec, and the windows; batch: the best of a few, as tried."""

    def __init__(self, folder: Path, audio_s: float) -> None:
        keep_freed_memory()
        loaded = load_model(Settings(model=str(folder), device="cpu", model_threads=usable_cores()))
        assert isinstance(loaded.family, CtcFamily)
        self._family = loaded.family
        windows = sorted(_windows(loaded.spec, audio_s), key=len, reverse=True)
        tried = windows[:TRIED_WINDOWS]
        _run(self._family, tried[:1], 1)
        self.count = len(windows)
        self.batch = min(BATCHES, key=lambda batch: _run(self._family, tried, batch))
        batches = [windows[at : at + self.batch] for at in range(0, len(windows), self.batch)]
        self._halves = batches[::2], batches[1::2]

    def half(self, number: int) -> float:
        """Seconds that every second batch takes."""
        return sum(_run(self._family, batch, self.batch) for batch in self._halves[number])


def _windows(spec: ModelSpec, audio_s: float) -> list[Samples]:
    settings = Settings()
    cutter = Cutter(make_rule(spec, settings.cutting, window_s=settings.window_s, context_s=settings.context_s))
    found = [*cutter.feed(recordings.speech(audio_s)), *cutter.finish()]
    return [cut.samples for cut in found if cut.samples is not None]


def _run(family: CtcFamily, windows: list[Samples], batch: int) -> float:
    began = time.monotonic()
    for at in range(0, len(windows), batch):
        some = windows[at : at + batch]
        family.in_lanes(partial(_score, family), some, [len(each) for each in some])
    return time.monotonic() - began


def _score(family: CtcFamily, windows: list[Samples]) -> list[torch.Tensor]:
    with torch.inference_mode():
        return [scores.argmax(-1) for scores in family.network.score(windows)]
