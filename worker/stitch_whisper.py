"""Joins what Whisper generated for each window into one text with timestamps, as transformers' postprocess does.

Fixed cuts overlap, so Hugging Face's own stitching joins them. Silence cuts don't: that stitching would delete text
where two neighbours happen to look alike (FACTS), so each window is decoded by itself and placed at its start.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np

from jobs.errors import StoreUnavailable
from jobs.window import Window
from worker.generated import Generated

Windows = list[tuple[Window, Generated]]
#: `join_overlapping` or `join_separate`: windows and the kind of timestamps to a text and its chunks
Join = Callable[[Windows, str], tuple[str, list["Chunk"]]]

#: written beside the tokenizer's own files
DECODER_FILE = "decoder.json"


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of text with its time; a side that Whisper left open is None."""

    text: str
    start_s: float | None
    stop_s: float | None


@dataclass(frozen=True)
class WhisperDecoder:
    """tokenizer: transformers' WhisperTokenizer. time_precision_s: what one timestamp token counts."""

    tokenizer: Any
    time_precision_s: float
    sampling_rate_hz: int

    @classmethod
    def of_files(cls, files: Mapping[str, bytes], sampling_rate_hz: int) -> Self:
        """From the files that the transcribe worker wrote to the store; imports transformers at the first call."""
        if DECODER_FILE not in files:
            raise StoreUnavailable("the model's files aren't in the store yet: no worker that serves it has started")
        precision = json.loads(files[DECODER_FILE])["time_precision_s"]
        return cls(_load_tokenizer(tuple(sorted(files.items()))), precision, sampling_rate_hz)

    def join_overlapping(self, windows: Windows, timestamps: str) -> tuple[str, list[Chunk]]:
        """The text and its chunks by Hugging Face's token matching; the chunks are empty for timestamps `none`."""
        return self._decode([self._output(window, generated) for window, generated in windows], timestamps, 0.0)

    def join_separate(self, windows: Windows, timestamps: str) -> tuple[str, list[Chunk]]:
        """The windows' texts one after another; with timestamps `none` each window is one chunk."""
        texts: list[str] = []
        chunks: list[Chunk] = []
        for window, generated in windows:
            start_s, stop_s = (cut / self.sampling_rate_hz for cut in (window.cut_start, window.cut_stop))
            text, found = self._decode([self._output(window, generated)], timestamps, start_s)
            texts.append(text)
            chunks += [Chunk(text, start_s, stop_s)] if timestamps == "none" and text.strip() else found
        return "".join(texts), chunks

    def join_apart(self, groups: list[Windows], join: Join, timestamps: str) -> tuple[str, list[Chunk]]:
        """Groups of windows with silence between them, each joined as a recording by itself and moved to its place."""
        texts: list[str] = []
        chunks: list[Chunk] = []
        for windows in groups:
            first, stop_s = windows[0][0].cut_start, windows[-1][0].cut_stop / self.sampling_rate_hz
            text, found = join([(window.moved(-first), generated) for window, generated in windows], timestamps)
            texts.append(text)
            start_s = first / self.sampling_rate_hz
            if not found and text.strip():
                found = [Chunk(text, 0.0, stop_s - start_s)]
            moved = [Chunk(chunk.text, *_moved((chunk.start_s, chunk.stop_s), start_s)) for chunk in found]
            if moved and moved[-1].stop_s is None:  # what follows begins after the silence
                moved[-1] = Chunk(moved[-1].text, moved[-1].start_s, stop_s)
            chunks += moved
        return "".join(texts), chunks

    def _output(self, window: Window, generated: Generated) -> dict[str, Any]:
        """What the pipeline's forward gave for a window, its stride in seconds as postprocess turns it."""
        lengths = (window.samples, window.left_samples, window.right_samples)
        output: dict[str, Any] = {
            "tokens": generated.tokens[np.newaxis],
            "stride": tuple(samples / self.sampling_rate_hz for samples in lengths),
        }
        if generated.times_s is not None:
            output["token_timestamps"] = generated.times_s[np.newaxis]
        return output

    def _decode(self, outputs: list[dict[str, Any]], timestamps: str, offset_s: float) -> tuple[str, list[Chunk]]:
        text, optional = self.tokenizer._decode_asr(  # noqa: SLF001  # what the pipeline's postprocess calls
            outputs,
            return_timestamps={"none": None, "segment": True, "word": "word"}[timestamps],
            return_language=None,
            time_precision=self.time_precision_s,
        )
        chunks = optional.get("chunks", [])
        return text, [Chunk(chunk["text"], *_moved(chunk["timestamp"], offset_s)) for chunk in chunks]


def _moved(times: tuple[float | None, float | None], offset_s: float) -> tuple[float | None, float | None]:
    start_s, stop_s = times
    return None if start_s is None else start_s + offset_s, None if stop_s is None else stop_s + offset_s


@lru_cache(maxsize=2)
def _load_tokenizer(files: tuple[tuple[str, bytes], ...]) -> Any:
    """The tokenizer of these files; loading one takes about a second, so a process keeps the last two."""
    from transformers import WhisperTokenizer  # noqa: PLC0415  # pulls in torch: only processes that finish Whisper pay
    from transformers.utils import logging  # noqa: PLC0415

    # It warns of an open last timestamp at each window; the transcript says the same by an end at the window's.
    logging.set_verbosity_error()
    with TemporaryDirectory() as folder:
        for name, content in files:
            Path(folder, name).write_bytes(content)
        return WhisperTokenizer.from_pretrained(folder)
