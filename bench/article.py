"""The service against the article's own call, `pipeline(file)`, on the same recordings and machine, in one run."""

import time
from pathlib import Path

import soundfile
from transformers import pipeline

from bench.figure import Figure
from bench.stack import service

ROOT = Path(__file__).parents[1]
RECORDINGS = sorted((ROOT / "tests/data/long").glob("*.opus"))
TIMEOUT_S = 900.0


def measure() -> list[Figure]:
    audio_s = sum(soundfile.info(path).duration for path in RECORDINGS)
    alone_s = _article()
    with service() as client:
        client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=TIMEOUT_S)  # loaded and measured once
        started = time.monotonic()
        jobs = [client.submit(path) for path in RECORDINGS]
        for job in jobs:
            client.wait(job.id, timeout_s=TIMEOUT_S)
        service_s = time.monotonic() - started
    return [
        Figure("the article's call, one recording after the other", audio_s / alone_s, "× real time"),
        Figure("the service, upload to transcript", audio_s / service_s, "× real time"),
        Figure("service ÷ article's call", alone_s / service_s, "×"),
    ]


def _article() -> float:
    """Seconds that one process takes; the waveform comes from soundfile, since the pipeline would ask for ffmpeg."""
    recogniser = pipeline("automatic-speech-recognition", model=str(ROOT / "worker/bundled"), device="cpu")
    waves = [soundfile.read(path, dtype="float32") for path in RECORDINGS]
    recogniser({"raw": waves[0][0][:160_000], "sampling_rate": waves[0][1]})
    started = time.monotonic()
    for samples, rate in waves:
        recogniser({"raw": samples, "sampling_rate": rate})
    return time.monotonic() - started
