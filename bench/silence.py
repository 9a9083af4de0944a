"""Recordings with long silences, transcribed whole and with `skip_silence`: what is computed, time, character errors.

The three-minute recordings with pauses, their utterances moved apart: after about every 30 s of speech, in a pause,
there are 30 s of faint noise more. Both ways on one stack, in turn, each job once to warm up; wall time is from the
submission to the transcript. The bundled model is so small that looking for silence and starting a job are much of its
time: it gains the least.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.figure import Figure
from bench.stack import service
from demo_model.evaluate import Answer, normalise, score
from demo_model.heldout import Reference, read_index
from tingxie.client import Client
from tingxie.submit_options import SubmitOptions

DATA = Path(__file__).parents[1] / "tests/data/long"
RATE = 16_000
SPEECH_S, SILENCE_S = 30.0, 30.0
#: -60 dBFS: an open line
NOISE = 1e-3
#: where a pause may be cut: the quietest of such steps within the next seconds
STEP_S, SEARCH_S = 0.2, 5.0
ROUNDS = 3
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Way:
    """One way of transcribing: of all recordings together, the jobs' wall time and what was left out."""

    wall_s: float
    skipped_s: float
    answers: list[Answer]


def measure() -> list[Figure]:
    references = [reference for reference in read_index(DATA) if reference.file.startswith("pauses")]
    with TemporaryDirectory() as folder, service() as client:
        files = [_spread(reference, Path(folder)) for reference in references]
        length_s = sum(soundfile.info(file).duration for file in files)
        rounds = [
            [_transcribe(client, references, files, skip=skip) for skip in (False, True)] for _ in range(ROUNDS + 1)
        ]
    whole, skipping = (
        sorted((both[number] for both in rounds[1:]), key=lambda way: way.wall_s)[ROUNDS // 2] for number in (0, 1)
    )
    cers = [100 * score(name, way.answers).cer for name, way in (("whole", whole), ("skipping", skipping))]
    return [
        Figure("length of the recordings", length_s, "s"),
        Figure("… left out with skip_silence", 100 * skipping.skipped_s / length_s, "%"),
        Figure("wall time, whole", whole.wall_s, "s"),
        Figure("… with skip_silence", skipping.wall_s, "s"),
        Figure("times as fast with skip_silence", whole.wall_s / skipping.wall_s, "×"),
        Figure("CER, whole", cers[0], "%"),
        Figure("… with skip_silence", cers[1], "%"),
        Figure("… lost by it", cers[1] - cers[0], "points", "≤ 0.1"),
    ]


def _transcribe(client: Client, references: list[Reference], files: list[Path], *, skip: bool) -> Way:
    """One recording after another."""
    wall_s, skipped_s = 0.0, 0.0
    answers = []
    for reference, file in zip(references, files, strict=True):
        began = time.monotonic()
        # metadata doesn't matter to sharing, so the job before must be gone
        job = client.submit(file, options=SubmitOptions(skip_silence=skip))
        ended = client.wait(job.id, timeout_s=TIMEOUT_S)
        wall_s += time.monotonic() - began
        assert ended.succeeded, ended.problem
        assert ended.covered_s == ended.duration_s
        answers.append(Answer(reference, normalise(reference.text), normalise(client.transcript_text(job.id))))
        skipped_s += ended.raw["skipped_s"]
        client.delete(job.id)  # else the next one would share its work
    return Way(wall_s, skipped_s, answers)


def _spread(reference: Reference, folder: Path) -> Path:
    """The recording with silences put in, as a FLAC file."""
    wave, rate = soundfile.read(DATA / reference.file, dtype="float32")
    assert rate == RATE
    dice = np.random.default_rng(0)
    parts, at = [], 0
    while len(wave) - at > (SPEECH_S + SEARCH_S) * RATE:
        stop = _quietest(wave, at + round(SPEECH_S * RATE))
        parts += [wave[at:stop], NOISE / 3 * dice.standard_normal(round(SILENCE_S * RATE), np.float32)]
        at = stop
    file = folder / f"{Path(reference.file).stem}.flac"
    soundfile.write(file, np.concatenate([*parts, wave[at:]]), RATE)
    return file


def _quietest(wave: NDArray[np.float32], start: int) -> int:
    """The middle of the quietest step after here."""
    step = round(STEP_S * RATE)
    within = wave[start : start + round(SEARCH_S * RATE)]
    power = np.square(within[: len(within) // step * step]).reshape(-1, step).sum(axis=1)
    return start + int(power.argmin()) * step + step // 2
