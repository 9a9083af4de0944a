"""In float32 the phases give what transformers gives at batch 1, whatever the batches and the number of workers.

(a) cutting `fixed`: an untouched pipeline(array, chunk_length_s=…, stride_length_s=…).
(b) cutting `silence`: the pipeline's own phases on the stored windows' samples and strides.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import pytest

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from jobs.transcript import Transcript
from jobs.window import Window
from tests.equality.chain import Chain
from tests.equality.comparing import assert_equal, assert_meaningful
from tests.equality.random_models import sound
from tests.equality.reference import Reference, phases, untouched
from tests.equality.speech import speech
from worker.model import LoadedModel, load_model
from worker.model_folder import BUNDLED_FOLDER

# Transformers' own word about a window for which a random model generated one token.
pytestmark = pytest.mark.filterwarnings(r"ignore:std\(\)")
full = pytest.mark.full
Job = Callable[..., tuple[Chain, Path]]


@pytest.fixture(scope="session")
def loaded() -> Callable[[str], LoadedModel]:
    models: dict[str, LoadedModel] = {}

    def load(name: str) -> LoadedModel:
        if name not in models:
            models[name] = load_model(Settings(model=name, device="cpu", dtype="float32", model_threads=1))
        return models[name]

    return load


@pytest.fixture
def make_chain(
    request: pytest.FixtureRequest, settings: Settings, ledger: Ledger, loaded: Callable[[str], LoadedModel]
) -> Job:
    """A chain for a kind of model, and the folder that transformers loads it from."""

    def make(kind: str, *, workers: int, batch: int) -> tuple[Chain, Path]:
        folder = BUNDLED_FOLDER if kind == "bundled" else request.getfixturevalue(f"{kind}_folder")
        model = loaded("bundled" if kind == "bundled" else str(folder))
        return Chain(settings, ledger, open_store(settings.store), model, workers, batch), folder

    return make


def audio(kind: str, seconds: float) -> np.ndarray:
    return speech(seconds) if kind == "bundled" else sound(seconds, seed=round(seconds))


@dataclass(frozen=True)
class Case:
    """workers: how many take turns; batch: windows that each claims at once."""

    kind: str
    seconds: float
    window_s: float
    context_s: float
    workers: int
    batch: int

    def __str__(self) -> str:
        return "-".join(str(value) for value in astuple(self))


LENGTHS = ((7.7, 20.0, 0.5), (60.0, 20.0, 0.5), (200.0, 12.3, 2.0), (600.0, 20.0, 1.0))
SPREADS = ((1, 1), (2, 4), (5, 16), (1, 16))
CTC = [
    Case("layer", 1.0, 20.0, 0.5, 1, 1),
    Case("layer", 61.23, 7.777, 1.3, 2, 4),
    Case("group", 33.3, 5.0, 0.5, 5, 3),
    Case("bundled", 45.0, 10.0, 1.0, 2, 16),
    *(
        pytest.param(Case(kind, *lengths, *spread), marks=full)
        for kind in ("layer", "group", "bundled")
        for lengths in LENGTHS
        for spread in SPREADS
    ),
]
WHISPER = [
    ("none", 1.0, 1, 1),
    ("segment", 21.0, 2, 4),
    ("word", 12.0, 2, 3),
    *(
        pytest.param(timestamps, seconds, workers, batch, marks=full)
        for timestamps in ("none", "segment", "word")
        for seconds, workers, batch in ((7.0, 1, 1), (45.0, 1, 16), (45.0, 5, 3), (150.0, 2, 4))
    ),
]


@pytest.mark.parametrize("case", CTC, ids=str)
def test_fixed_cuts_equal_the_untouched_pipeline(case: Case, make_chain: Job) -> None:
    chain, folder = make_chain(case.kind, workers=case.workers, batch=case.batch)
    wave = audio(case.kind, case.seconds)
    ours = chain.transcribe(wave, cutting="fixed", window_s=case.window_s, context_s=case.context_s)
    theirs = untouched(folder, wave, window_s=case.window_s, context_s=case.context_s, timestamps="char")
    assert_meaningful(theirs, case.seconds)
    assert_equal(ours, theirs, "char")


@pytest.mark.parametrize("case", CTC, ids=str)
def test_silence_cuts_equal_the_phases_on_the_stored_windows(case: Case, make_chain: Job) -> None:
    chain, folder = make_chain(case.kind, workers=case.workers, batch=case.batch)
    ours = chain.transcribe(
        audio(case.kind, case.seconds), cutting="silence", window_s=case.window_s, context_s=case.context_s
    )
    stored = [(samples, window.left_samples, window.right_samples) for window, samples in chain.stored]
    (theirs,) = phases(folder, stored, timestamps="char", together=True)
    assert_meaningful(theirs, case.seconds)
    assert_equal(ours, theirs, "char")


@pytest.mark.parametrize(("timestamps", "seconds", "workers", "batch"), WHISPER)
def test_whisper_with_fixed_cuts_equals_the_untouched_pipeline(
    timestamps: str, seconds: float, workers: int, batch: int, make_chain: Job
) -> None:
    chain, folder = make_chain("whisper", workers=workers, batch=batch)
    wave = audio("whisper", seconds)
    ours = chain.transcribe(wave, cutting="fixed", window_s=10.0, context_s=1.5, timestamps=timestamps, language="zh")
    theirs = untouched(folder, wave, window_s=10.0, context_s=1.5, timestamps=timestamps)
    assert_meaningful(theirs, seconds)
    assert_equal(ours, theirs, timestamps)


@pytest.mark.parametrize(("timestamps", "seconds", "workers", "batch"), WHISPER)
def test_whisper_with_silence_cuts_decodes_each_stored_window(
    timestamps: str, seconds: float, workers: int, batch: int, make_chain: Job
) -> None:
    chain, folder = make_chain("whisper", workers=workers, batch=batch)
    ours = chain.transcribe(
        audio("whisper", seconds), cutting="silence", window_s=10.0, context_s=0.5, timestamps=timestamps, language="zh"
    )
    assert all(window.left_samples == window.right_samples == 0 for window, _ in chain.stored)
    separate = phases(folder, [(samples, 0, 0) for _, samples in chain.stored], timestamps=timestamps, together=False)
    theirs = joined(separate, [window.cut_start / 16_000 for window, _ in chain.stored])
    assert_meaningful(theirs, seconds)
    assert_equal(ours, theirs, timestamps)


def joined(parts: list[Reference], starts_s: list[float]) -> Reference:
    """Texts one after another, each part's times moved to its start."""

    def moved(time_s: float | None, by_s: float) -> float | None:
        return None if time_s is None else time_s + by_s

    return Reference(
        "".join(part.text for part in parts),
        [
            (text, moved(start_s, by_s), moved(stop_s, by_s))
            for part, by_s in zip(parts, starts_s, strict=True)
            for text, start_s, stop_s in part.chunks
        ],
    )


SKIPPING = {"skip_silence": True, "silence_s": 2.0, "silence_margin_s": 0.5}


def with_silences(*pieces_s: float) -> np.ndarray:
    """Speech of the given lengths, four seconds of silence after each."""
    whole, silence, parts, at = speech(sum(pieces_s)), np.zeros(4 * 16_000, np.float32), [], 0
    for length in (round(piece * 16_000) for piece in pieces_s):
        parts += [whole[at : at + length], silence]
        at += length
    return np.concatenate(parts)


def stretches_of(chain: Chain) -> list[tuple[int, int]]:
    """What lies between the silences that were left out of the last job."""
    found: list[tuple[int, int]] = []
    for window, _ in chain.stored:
        if found and found[-1][1] == window.cut_start:
            found[-1] = (found[-1][0], window.cut_stop)
        else:
            found.append((window.cut_start, window.cut_stop))
    return found


@pytest.mark.parametrize(
    ("kind", "timestamps"),
    [
        ("bundled", "char"),
        ("whisper", "segment"),
        ("whisper", "word"),
        pytest.param("layer", "char", marks=full),
        pytest.param("whisper", "none", marks=full),
    ],
)
def test_what_lies_between_silences_equals_the_untouched_pipeline_on_it_alone(
    kind: str, timestamps: str, make_chain: Job
) -> None:
    chain, folder = make_chain(kind, workers=2, batch=4)
    wave = with_silences(14.0, 7.5)
    asked = {"timestamps": timestamps, "language": "zh"} if kind == "whisper" else {}
    ours = chain.transcribe(wave, cutting="fixed", window_s=10.0, context_s=1.0, **SKIPPING, **asked)
    stretches = stretches_of(chain)
    assert len(stretches) >= 2
    assert sum(stop - start for start, stop in stretches) < len(wave) - 4 * 16_000
    parts = [
        untouched(folder, wave[start:stop], window_s=10.0, context_s=1.0, timestamps=timestamps)
        for start, stop in stretches
    ]
    theirs = joined(parts, [start / 16_000 for start, _ in stretches])
    assert_meaningful(theirs, 10.0)
    if timestamps == "none":
        assert ours.text == theirs.text
        assert [segment.start_s for segment in ours.segments] == [start / 16_000 for start, _ in stretches]
        return
    if timestamps == "char":  # a sum of two times instead of one quotient: the last bit may differ
        chars = ours.chars or []
        assert [char.text for char in chars] == [text for text, _, _ in theirs.chunks]
        times = np.array([(char.start_s, char.end_s) for char in chars])
        assert np.abs(times - np.array([chunk[1:] for chunk in theirs.chunks])).max() < 1e-9
        return
    assert_equal(ours, theirs, timestamps)


@pytest.mark.parametrize("timestamps", ["segment", pytest.param("word", marks=full), pytest.param("none", marks=full)])
def test_whisper_has_no_text_for_what_nobody_hears(timestamps: str, make_chain: Job) -> None:
    """Windows of silence between others aren't run; what lies before and after is joined by itself."""
    chain, folder = make_chain("whisper", workers=1, batch=4)
    wave, silence = audio("whisper", 16.0), np.zeros(30 * 16_000, np.float32)
    asked = {"window_s": 10.0, "context_s": 1.5, "timestamps": timestamps, "language": "zh"}
    ours = chain.transcribe(np.concatenate([wave, silence, wave]), cutting="fixed", **asked)
    groups: list[list[tuple[Window, np.ndarray]]] = [[], []]
    for window, samples in chain.stored:
        groups[window.start_sample > 20 * 16_000].append((window, samples))
    assert sum(map(len, groups)) == 9 - 3
    parts = []
    for group in groups:
        stored = [(samples, window.left_samples, window.right_samples) for window, samples in group]
        stored[0] = (stored[0][0], 0, stored[0][2])
        stored[-1] = (*stored[-1][:2], 0)
        parts += phases(folder, stored, timestamps=timestamps, together=True)
    theirs = joined(parts, [group[0][0].start_sample / 16_000 for group in groups])
    assert_meaningful(theirs, 32.0)
    assert_equal(ours, theirs, timestamps)


def test_confidence_hardly_depends_on_the_batch(make_chain: Job) -> None:
    """Its last digit may: a padded batch sums in another order, and a step of 1/255 then rounds the other way."""

    def of(batch: int) -> Transcript:
        chain, _ = make_chain("layer", workers=1, batch=batch)
        return chain.transcribe(sound(30.0), cutting="silence", window_s=7.0, context_s=0.5)

    alone, together = of(1), of(16)
    assert alone.text == together.text
    pairs = zip(alone.chars or [], together.chars or [], strict=True)
    assert max(abs((one.confidence or 0) - (other.confidence or 0)) for one, other in pairs) <= 2 / 255
