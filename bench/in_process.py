"""Recordings through the project's own cutting, forward passes and stitching, in this process, without the service."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile

from bench.agreement import Ids
from demo_model.evaluate import Answer, normalise, score
from demo_model.heldout import Reference, read_index
from jobs.ledger import WindowLease
from jobs.model import ModelSpec
from jobs.settings import Cutting, Settings
from worker.cutting import Cutter, CutWindow, make_rule
from worker.families.ctc import CtcFamily
from worker.forward import ForwardInput, Samples
from worker.model import load_model
from worker.runs import Runs
from worker.stitch import stitch

LONG = Path(__file__).parents[1] / "tests/data/long"
HELDOUT = LONG.with_name("heldout")
#: of the utterances, enough for a comparison of what is heard in them
EVERY = 6


@dataclass(frozen=True, slots=True)
class Recording:
    reference: Reference
    wave: Samples


@dataclass(frozen=True, slots=True)
class Setting:
    """How windows are cut."""

    cutting: Cutting
    window_s: float
    context_s: float

    @classmethod
    def usual(cls) -> Self:
        """As the service cuts them by default."""
        settings = Settings()
        return cls(settings.cutting, settings.window_s, settings.context_s)

    def __str__(self) -> str:
        return f"{self.cutting}, {self.window_s:g} s, {self.context_s:.3g} s of context"


@dataclass(frozen=True, slots=True)
class Heard:
    """answers: what a model heard in recordings. computed_samples: what it was given, padding to the batch's longest
    included; window_samples: the same without the padding; kept_samples: without the context too. frames: each window's
    token of each frame.
    """

    answers: list[Answer]
    frames: list[Ids]
    kept_samples: int
    window_samples: int
    computed_samples: int

    @property
    def cer(self) -> float:
        return score("", self.answers).cer

    @property
    def useful_share(self) -> float:
        return self.kept_samples / self.computed_samples


def read(folder: Path) -> list[Recording]:
    """All recordings of a folder with references."""
    return [
        Recording(reference, soundfile.read(folder / reference.file, dtype="float32")[0])
        for reference in read_index(folder)
    ]


def held_out() -> list[Recording]:
    """Speech that the bundled model never met: every sixth utterance, and the three-minute recordings."""
    return [*read(HELDOUT)[::EVERY], *read(LONG)]


def load_ctc(dtype: str, model: str = "bundled", device: str = "cpu") -> CtcFamily:
    """A CTC model as a worker loads it."""
    family = load_model(Settings(model=model, device=device, dtype=dtype)).family
    assert isinstance(family, CtcFamily)
    return family


def cut(spec: ModelSpec, wave: Samples, setting: Setting) -> list[CutWindow]:
    """The windows that prepare makes of a waveform."""
    cutter = Cutter(make_rule(spec, setting.cutting, window_s=setting.window_s, context_s=setting.context_s))
    return [*cutter.feed(wave), *cutter.finish()]


def hear(family: CtcFamily, recordings: list[Recording], setting: Setting, *, at_once: int) -> Heard:
    """Transcribe; `at_once`: windows that are claimed together, over all recordings in turn."""
    cuts = [cut(family.spec, recording.wave, setting) for recording in recordings]
    inputs = [as_input(window) for windows in cuts for window in windows]
    runs: list[Runs] = []
    with _computed(family.pipe.model) as sizes:
        for start in range(0, len(inputs), at_once):
            runs += [Runs.unpack(output.payload) for output in family.forward(inputs[start : start + at_once])]
    ends = np.cumsum([len(windows) for windows in cuts]).tolist()
    answers = []
    for recording, windows, end in zip(recordings, cuts, ends, strict=True):
        tokens = stitch(runs[end - len(windows) : end], family.vocabulary)
        text = family.vocabulary.text(tokens.ids.tolist())
        answers.append(Answer(recording.reference, normalise(recording.reference.text), normalise(text)))
    kept = [each.lease.window.cut_stop - each.lease.window.cut_start for each in inputs]
    return Heard(
        answers,
        [np.repeat(each.ids, each.lengths) for each in runs],
        sum(kept),
        sum(len(each.samples) for each in inputs),
        sum(sizes),
    )


@contextmanager
def _computed(model: Any) -> Iterator[list[int]]:
    """The number of samples of each batch that goes into a model: seen at its door, however the batches are made."""
    sizes: list[int] = []

    def note(_module: Any, positional: tuple[Any, ...], named: dict[str, Any]) -> None:
        sizes.append((positional[0] if positional else named["input_values"]).numel())

    hook = model.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield sizes
    finally:
        hook.remove()


def as_input(cut_window: CutWindow) -> ForwardInput:
    """A window as a worker has it once it is claimed and loaded."""
    lease = WindowLease(
        "bench", cut_window.window, fence=1, suspect=False, language=None, task="transcribe", timestamps="none"
    )
    assert cut_window.samples is not None
    return ForwardInput(lease, cut_window.samples)
