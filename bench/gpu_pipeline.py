"""transformers' own pipeline over the same model on the same device: what the device program is compared with."""

import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC, pipeline

from bench.figure import Figure
from bench.gpu_network import INT16_SCALE, RATE_HZ, noise
from bench.gpu_timing import Clock

SPECIALS = ("<pad>", "<s>", "</s>", "<unk>", "|")
CHUNK_S = 30.0
#: a sweep leaves this much for what comes after it
KEPT_S = 30.0


def make_pipeline(model: Wav2Vec2ForCTC, device: torch.device) -> Any:
    tokens = [*SPECIALS, *(chr(0x4E00 + number) for number in range(model.config.vocab_size - len(SPECIALS)))]
    with tempfile.TemporaryDirectory() as folder:
        vocabulary = Path(folder, "vocab.json")
        vocabulary.write_text(json.dumps({token: at for at, token in enumerate(tokens)}), encoding="utf-8")
        tokenizer = Wav2Vec2CTCTokenizer(str(vocabulary))
    extractor = Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=True)
    return pipeline(
        "automatic-speech-recognition", model=model, tokenizer=tokenizer, feature_extractor=extractor, device=device
    )


def recording(seconds: float) -> np.ndarray:
    samples = noise(1, round(seconds * RATE_HZ), 7, torch.device("cpu"))[0].numpy()
    return samples.astype(np.float32) * np.float32(INT16_SCALE)


def speed(pipe: Any, audio: np.ndarray, **options: Any) -> float:
    """× real time of one call, after a short one."""
    pipe({"raw": audio[: 3 * RATE_HZ], "sampling_rate": RATE_HZ}, **options)
    began = time.perf_counter()
    pipe({"raw": audio, "sampling_rate": RATE_HZ}, **options)  # its text is on the host: the device has ended
    return len(audio) / RATE_HZ / (time.perf_counter() - began)


def default_call(model: Wav2Vec2ForCTC, device: torch.device, audio_s: float) -> float:
    """`pipeline(file)`: float32, the file as one window."""
    return speed(make_pipeline(model, device), recording(audio_s))


def sweep(
    model: Wav2Vec2ForCTC, device: torch.device, batches: tuple[int, ...], audio_s: float, clock: Clock
) -> Iterator[Figure]:
    """In bf16 by chunks of 30 s with its default stride, at each batch size, as far as time and memory go."""
    pipe, audio = make_pipeline(model.to(torch.bfloat16), device), recording(audio_s)
    for batch in batches:
        if clock.left_s < KEPT_S:
            return
        try:
            found = speed(pipe, audio, chunk_length_s=CHUNK_S, batch_size=batch)
        except torch.OutOfMemoryError:
            return
        yield Figure(f"HF pipeline, bf16, chunks of 30 s, batch {batch}", found, "× real time")
