"""What transformers says: the untouched pipeline, and its own phases on given windows. Imports nothing of ours."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

#: the only difference that is allowed: these never show in our text
SPECIALS = ("<pad>", "<s>", "</s>", "<unk>")
RETURN_TIMESTAMPS: dict[str, Any] = {"none": None, "segment": True, "word": "word", "char": "char"}


@dataclass(frozen=True)
class Reference:
    """text, and chunks of (text, start, end); an end that Whisper left open is None."""

    text: str
    chunks: list[tuple[str, float | None, float | None]]


@cache
def pipeline(folder: Path | str) -> Any:
    torch.set_num_threads(1)  # beside other work on the machine several are slower than one
    transformers.logging.set_verbosity_error()
    return transformers.pipeline("automatic-speech-recognition", model=str(folder), dtype=torch.float32, device="cpu")


def untouched(folder: Path | str, wave: np.ndarray, *, window_s: float, context_s: float, timestamps: str) -> Reference:
    """`pipeline(array, chunk_length_s=…, stride_length_s=…)`."""
    pipe = pipeline(folder)
    output = pipe(
        wave.copy(),
        chunk_length_s=window_s,
        stride_length_s=context_s,
        return_timestamps=RETURN_TIMESTAMPS[timestamps],
        batch_size=1,
        **_generate(pipe),
    )
    return _reference(output)


def phases(
    folder: Path | str, windows: list[tuple[np.ndarray, int, int]], *, timestamps: str, together: bool
) -> list[Reference]:
    """preprocess and forward for each (samples, left, right) alone; postprocess over all of them, or each by itself."""
    pipe = pipeline(folder)
    outputs = [_forward(pipe, *window, timestamps=timestamps) for window in windows]
    groups = [outputs] if together else [[output] for output in outputs]
    return [_reference(pipe.postprocess(group, return_timestamps=RETURN_TIMESTAMPS[timestamps])) for group in groups]


def _forward(pipe: Any, wave: np.ndarray, left: int, right: int, *, timestamps: str) -> Any:
    rate = pipe.feature_extractor.sampling_rate
    (features,) = pipe.preprocess({"raw": wave.copy(), "sampling_rate": rate, "stride": (left, right)})
    settings = _generate(pipe).get("generate_kwargs", {})
    if pipe.type == "seq2seq_whisper":
        settings |= {"return_timestamps": RETURN_TIMESTAMPS[timestamps]}
    return pipe.forward(features, **settings)


def _generate(pipe: Any) -> dict[str, Any]:
    return {"generate_kwargs": {"task": "transcribe", "language": "zh"}} if pipe.type == "seq2seq_whisper" else {}


def _reference(output: dict[str, Any]) -> Reference:
    text = output["text"]
    for special in SPECIALS:
        text = text.replace(special, "")
    chunks = [(chunk["text"], *chunk["timestamp"]) for chunk in output.get("chunks", [])]
    return Reference(text, [chunk for chunk in chunks if chunk[0] not in SPECIALS])
