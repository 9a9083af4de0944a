"""Whisper-small's architecture, random weights, so many tokens a window: the service against the HF pipeline.

The same file, dtype, threads and windows (30 s with 5 s on each side). The pipeline at its best batch of a few; the
service with one worker and batches of as many seconds of compute as such a batch takes.
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

AUDIO_S = 330.0
WINDOW_S, CONTEXT_S = 30.0, 5.0
NEW_TOKENS = 20
BATCHES = (1, 4)
TIMEOUT_S = 900.0


def measure(audio_s: float = AUDIO_S) -> list[Figure]:
    folder = whisper_small(NEW_TOKENS)
    taken_s = _pipeline(folder, audio_s)
    best = min(taken_s, key=lambda batch: taken_s[batch])
    windows = audio_s / (WINDOW_S - 2 * CONTEXT_S)
    with tempfile.TemporaryDirectory() as name, _settings(BATCH_COMPUTE_S=taken_s[best] * max(1, best / windows)):
        path = recordings.write(Path(name, "speech.wav"), audio_s)
        warming = recordings.write(Path(name, "warming.wav"), 2 * WINDOW_S, start_s=300.0)
        with service("--model", str(folder)) as client:
            _transcribe(client, warming)
            settle()
            began = time.monotonic()
            _transcribe(client, path)
            ours_s = time.monotonic() - began
    return [
        Figure("service", audio_s / ours_s, "× real time"),
        *(Figure(f"pipeline at batch {batch}", audio_s / each, "× real time") for batch, each in taken_s.items()),
        Figure("service ÷ pipeline at its best batch", taken_s[best] / ours_s, "×", "≥ 1"),
    ]


def _transcribe(client: Client, path: Path) -> None:
    """Without timestamps, which the pipeline doesn't give unasked either."""
    job = client.wait(client.submit(path, options=SubmitOptions(timestamps="none")).id, timeout_s=TIMEOUT_S)
    assert job.state == "succeeded", job


def _pipeline(folder: Path, audio_s: float) -> dict[int, float]:
    """Seconds that it takes at each batch."""
    weights = folder / "model.safetensors"
    dtype = choose_dtype("auto", torch.device("cpu"), weights.stat().st_size)
    recogniser: Any = pipeline("automatic-speech-recognition", model=str(folder), device="cpu", dtype=dtype)
    wave, taken_s = recordings.speech(audio_s), {}
    windows = {"chunk_length_s": WINDOW_S, "stride_length_s": CONTEXT_S}
    recogniser(wave[: 16_000 * 30], **windows)
    for batch in BATCHES:
        began = time.monotonic()
        recogniser(wave.copy(), batch_size=batch, **windows)
        taken_s[batch] = time.monotonic() - began
        print(f"pipeline at batch {batch}: {taken_s[batch]:.1f} s", flush=True)
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
