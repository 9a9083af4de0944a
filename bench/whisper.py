"""Whisper-small's architecture, random weights, so many tokens a window: the service against the HF pipeline.

The same file, dtype, threads and windows (30 s with 5 s on each side, cut as the pipeline cuts). The pipeline at its
best batch of a few; the service with one worker and batches of as many seconds of compute as such a batch takes. Once
as in the article, where the model finds the language of each window; once with the language given to both.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import pipeline

from bench import recordings
from bench.figure import Figure
from bench.random_weights import whisper_small
from bench.stack import service, settle
from tingxie.client import Client
from tingxie.submit_options import SubmitOptions
from worker.model import choose_dtype

AUDIO_S = 210.0
WINDOW_S, CONTEXT_S = 30.0, 5.0
NEW_TOKENS = 20
LANGUAGE = "zh"
BATCHES = (1, 4)
TIMEOUT_S = 900.0


def measure(audio_s: float = AUDIO_S) -> list[Figure]:
    folder = whisper_small(NEW_TOKENS)
    found, given = _pipeline(folder, audio_s)
    best = min(given, key=lambda batch: given[batch])
    batch_s = given[best] * best / (audio_s / (WINDOW_S - 2 * CONTEXT_S))
    with (
        tempfile.TemporaryDirectory() as name,
        _settings(CUTTING="fixed", WINDOW_S=WINDOW_S, CONTEXT_S=CONTEXT_S, BATCH_COMPUTE_S=batch_s),
    ):
        path = recordings.write(Path(name, "speech.wav"), audio_s)
        warming = recordings.write(Path(name, "warming.wav"), 2 * WINDOW_S, start_s=300.0)
        with service("--model", str(folder)) as client:
            _transcribe(client, warming, LANGUAGE)
            settle()
            ours_s = [_transcribe(client, path, language) for language in (None, LANGUAGE)]
    return [
        *_figures("language found", audio_s, ours_s[0], found),
        *_figures("language given", audio_s, ours_s[1], given),
    ]


def _figures(what: str, audio_s: float, ours_s: float, taken_s: dict[int, float]) -> list[Figure]:
    return [
        Figure(f"{what}: service", audio_s / ours_s, "× real time"),
        *(Figure(f"… pipeline at batch {batch}", audio_s / each, "× real time") for batch, each in taken_s.items()),
        Figure("… service ÷ pipeline at its best batch", min(taken_s.values()) / ours_s, "×", "≥ 1"),
    ]


def _transcribe(client: Client, path: Path, language: str | None) -> float:
    """Seconds from upload to text; without timestamps, which the pipeline doesn't give unasked either."""
    began = time.monotonic()
    options = SubmitOptions(timestamps="none", language=language)
    job = client.wait(client.submit(path, options=options).id, timeout_s=TIMEOUT_S)
    assert job.state == "succeeded", job
    return time.monotonic() - began


def _pipeline(folder: Path, audio_s: float) -> tuple[dict[int, float], dict[int, float]]:
    """Seconds that it takes at each batch: where it finds the language, and where that is given."""
    weights = folder / "model.safetensors"
    dtype = choose_dtype("auto", torch.device("cpu"), weights.stat().st_size)
    recogniser: Any = pipeline("automatic-speech-recognition", model=str(folder), device="cpu", dtype=dtype)
    wave = recordings.speech(audio_s)
    windows = {"chunk_length_s": WINDOW_S, "stride_length_s": CONTEXT_S}
    recogniser(wave[: 16_000 * 30], **windows)
    taken_s: tuple[dict[int, float], dict[int, float]] = {}, {}
    for options, into in zip(({}, {"generate_kwargs": {"language": LANGUAGE}}), taken_s, strict=True):
        for batch in BATCHES:
            began = time.monotonic()
            recogniser(wave.copy(), batch_size=batch, **windows, **options)
            into[batch] = time.monotonic() - began
            print(f"pipeline at batch {batch}: {into[batch]:.1f} s", flush=True)
    return taken_s


@contextmanager
def _settings(**changed: object) -> Iterator[None]:
    """For the stacks started meanwhile."""
    names = {f"TINGXIE_{name}": str(value) for name, value in changed.items()}
    os.environ.update(names)
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
