"""The service against the article's own call, `pipeline(file)`, on the same recordings and machine, in one run.

The call is in float32 and reads a file in one piece; at its best it cuts it into chunks of some length (the best of a
few on the file's first minute). The service comes as it is, with its own choice of dtype. The default architecture's
targets are for CPUs with AVX512-BF16; others have none.
"""

import gc
import tempfile
import time
from pathlib import Path
from typing import Any

import soundfile
from transformers import pipeline

from bench import recordings
from bench.fast_dtypes import OPT_IN_DTYPES
from bench.figure import Figure
from bench.machine import Machine
from bench.random_weights import default_architecture
from bench.stack import service, settle

ROOT = Path(__file__).parents[1]
RECORDINGS = sorted((ROOT / "tests/data/long").glob("*.opus"))
TIMEOUT_S = 900.0
DEFAULT_S = 300.0
#: seconds; what the best chunk is chosen on
CHUNKS_S, TRIED_S = (10.0, 20.0, 30.0), 60.0


def measure() -> list[Figure]:
    """The bundled model, on recordings of three minutes."""
    audio_s = sum(soundfile.info(path).duration for path in RECORDINGS)
    recogniser = _load(ROOT / "worker/bundled")
    alone_s = sum(_call(recogniser, soundfile.read(path, dtype="float32")[0]) for path in RECORDINGS)
    ours_s = _service("bundled", RECORDINGS)
    return [
        Figure("the article's call, one recording after the other", audio_s / alone_s, "× real time"),
        Figure("the service, upload to transcript", audio_s / ours_s, "× real time"),
        Figure("service ÷ article's call", alone_s / ours_s, "×"),
    ]


def measure_default(audio_s: float = DEFAULT_S) -> list[Figure]:
    """The default architecture with random weights, on five minutes; with int8 beside the service's own choice, where
    this CPU can.
    """
    folder = default_architecture()
    alone_s, best_s, chunk_s = _alone(folder, audio_s)
    gc.collect()
    with tempfile.TemporaryDirectory() as name:
        files = [recordings.write(Path(name, "speech.wav"), audio_s)]
        ours_s = _service(str(folder), files)
        chosen_s = {dtype: _service(str(folder), files, TINGXIE_DTYPE=dtype) for dtype in OPT_IN_DTYPES}
    target, target_in_chunks = ("≥ 5", "≥ 3.5") if "avx512_bf16" in Machine.here().flags else ("", "")
    figures = [
        Figure("the article's call", audio_s / alone_s, "× real time"),
        Figure(f"… in chunks of {chunk_s:g} s, its best", audio_s / best_s, "× real time"),
        Figure("the service, upload to transcript", audio_s / ours_s, "× real time"),
        Figure("service ÷ article's call", alone_s / ours_s, "×", target),
        Figure("service ÷ article's call in chunks", best_s / ours_s, "×", target_in_chunks),
    ]
    for dtype, seconds in chosen_s.items():
        figures += [
            Figure(f"the service with TINGXIE_DTYPE={dtype}", audio_s / seconds, "× real time"),
            Figure("… ÷ article's call in chunks", best_s / seconds, "×"),
        ]
    return figures


def _alone(folder: Path, audio_s: float) -> tuple[float, float, float]:
    """Seconds of the call as it is, seconds at its best chunk, and that chunk."""
    recogniser, wave = _load(folder), recordings.speech(audio_s)
    tried = wave[: round(TRIED_S * recordings.RATE_HZ)]
    chunk_s = min(CHUNKS_S, key=lambda chunk_s: _call(recogniser, tried, chunk_s))
    return _call(recogniser, wave), _call(recogniser, wave, chunk_s), chunk_s


def _load(folder: Path) -> Any:
    """The pipeline, warm."""
    recogniser = pipeline("automatic-speech-recognition", model=str(folder), device="cpu", dtype="float32")
    _call(recogniser, recordings.speech(10.0))
    return recogniser


def _call(recogniser: Any, wave: recordings.Samples, chunk_s: float | None = None) -> float:
    """Seconds that one call takes; the waveform comes from soundfile, since the pipeline would ask for ffmpeg."""
    began = time.monotonic()
    options = {} if chunk_s is None else {"chunk_length_s": chunk_s}
    recogniser({"raw": wave.copy(), "sampling_rate": recordings.RATE_HZ}, **options)
    seconds = time.monotonic() - began
    print(f"article's call, chunks {chunk_s}: {len(wave) / recordings.RATE_HZ:.0f} s in {seconds:.1f} s", flush=True)
    return seconds


def _service(model: str, files: list[Path], **settings: str) -> float:
    """Seconds from the first upload to the last transcript. settings: TINGXIE_NAME=…"""
    with service("--model", model, **settings) as client:
        client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=TIMEOUT_S)  # loaded and measured once
        settle()
        began = time.monotonic()
        jobs = [client.submit(path) for path in files]
        for job in jobs:
            ended = client.wait(job.id, timeout_s=TIMEOUT_S)
            assert ended.state == "succeeded", ended
        return time.monotonic() - began
