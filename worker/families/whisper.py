"""Whisper: each window through the pipeline's own preprocess and forward; finish joins what it generated."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import structlog
import torch

from jobs.errors import LanguageUnknown, ModelRefused, TimestampsUnknown
from jobs.ledger.units import WindowLease
from jobs.model import ModelSpec
from jobs.settings import WhisperGuard
from worker.families.attention import replace_attention
from worker.families.beams import share_sound
from worker.families.convolutions import mend_convolutions
from worker.families.encoding import encoded_once
from worker.families.invention import is_loop, nobody_speaks
from worker.families.linear import replace_linears
from worker.forward import ForwardInput, ForwardOutput
from worker.generated import Generated
from worker.model_folder import ModelFolder
from worker.stitch_whisper import DECODER_FILE

log = structlog.get_logger(__name__)

#: what the pipeline calls the finest timestamps of a job
RETURN_TIMESTAMPS: dict[str, bool | str | None] = {"none": None, "segment": True, "word": "word"}


@dataclass(frozen=True)
class WhisperFamily:
    """pipe: transformers' automatic-speech-recognition pipeline, in evaluation mode."""

    pipe: Any
    spec: ModelSpec
    guard: WhisperGuard = "off"

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        results: dict[int, ForwardOutput] = {}
        for index, window in enumerate(windows):
            lease = window.lease
            if nobody_speaks(window.samples, self.spec.sampling_rate_hz, self.guard):
                results[index] = self._without_text(lease, "silence")
                continue
            # Word times change in a batch (FACTS: equal in 18 of 27 at batch 3), so those windows run alone.
            alone = index if lease.timestamps == "word" else None
            groups[lease.language, lease.task, lease.timestamps, alone].append(index)
        for indices in groups.values():
            outputs = self._forward_alike([windows[index] for index in indices])
            results.update(zip(indices, outputs, strict=True))
        return [results[index] for index in range(len(windows))]

    def finish_files(self) -> dict[str, bytes]:
        """The tokenizer's files, and how many seconds a timestamp token counts."""
        precision = self.pipe.feature_extractor.chunk_length / self.pipe.model.config.max_source_positions
        with TemporaryDirectory() as folder:
            self.pipe.tokenizer.save_pretrained(folder)
            files = {file.name: file.read_bytes() for file in Path(folder).iterdir()}
        return {**files, DECODER_FILE: json.dumps({"time_precision_s": precision}).encode()}

    def _forward_alike(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        """Windows of one language, task and kind of timestamps."""
        lease = windows[0].lease
        inputs = [self._features(window) for window in windows]
        names = [name for name in inputs[0] if isinstance(inputs[0][name], torch.Tensor)]
        batch = {name: torch.cat([features[name] for features in inputs]) for name in names}
        with encoded_once(self.pipe.model), _attention_kept(self.pipe.model):
            outputs = self.pipe.forward(
                {**batch, "is_last": True},
                return_timestamps=RETURN_TIMESTAMPS[lease.timestamps],
                **self._generate_settings(lease),
            )
        times = outputs.get("token_timestamps")
        return [
            self._output(tokens, None if times is None else times[row], window.lease)
            for row, (tokens, window) in enumerate(zip(outputs["tokens"], windows, strict=True))
        ]

    def _features(self, window: ForwardInput) -> dict[str, Any]:
        rate = self.pipe.feature_extractor.sampling_rate
        (features,) = self.pipe.preprocess({"raw": window.samples, "sampling_rate": rate})
        return dict(features)

    def _output(self, tokens: torch.Tensor, times: torch.Tensor | None, lease: WindowLease) -> ForwardOutput:
        ids = tokens.numpy().astype(np.int64)
        ids = ids[: _length_without_padding(ids, self.pipe.tokenizer.eos_token_id)]
        ends = None if times is None else times.double().numpy()[: len(ids)]
        text = self.pipe.tokenizer.decode(ids.tolist(), skip_special_tokens=True)
        if is_loop(text, self.guard):
            return self._without_text(lease, "loop")
        return ForwardOutput(Generated(ids, ends).pack(), text)

    def _without_text(self, lease: WindowLease, reason: str) -> ForwardOutput:
        log.info("whisper.no_text", job_id=lease.job_id, window=lease.window.index, reason=reason)
        return ForwardOutput(b"", "")

    def _generate_settings(self, lease: WindowLease) -> dict[str, str]:
        """Language and task for models that know several; raises LanguageUnknown or TimestampsUnknown."""
        settings = self.pipe.model.generation_config
        if lease.timestamps == "word" and getattr(settings, "alignment_heads", None) is None:
            raise TimestampsUnknown(f"{self.spec.model} has no alignment heads for word timestamps")
        if not getattr(settings, "is_multilingual", False):
            return {}
        if lease.language is None:
            return {"task": lease.task}
        language = lease.language.split("-")[0].lower()
        if f"<|{language}|>" not in settings.lang_to_id:
            raise LanguageUnknown(f"{self.spec.model} doesn't know the language {lease.language!r}")
        return {"task": lease.task, "language": language}


@contextmanager
def _attention_kept(model: Any) -> Iterator[None]:
    """For the times of words transformers makes a model attend in its slowest way, and leaves it so (5.23)."""
    kept = model.config._attn_implementation  # noqa: SLF001
    try:
        yield
    finally:
        model.config._attn_implementation = kept  # noqa: SLF001


def load_whisper(pipe: Any, found: ModelFolder, dtype: str, guard: WhisperGuard) -> WhisperFamily:
    """Raises ModelRefused for a model that lacks what generating or finishing needs."""
    if pipe.tokenizer.__class__.__name__ != "WhisperTokenizer":
        raise ModelRefused(f"its tokenizer is a {pipe.tokenizer.__class__.__name__}, not a WhisperTokenizer")
    replace_attention(pipe.model)
    replace_linears(pipe.model)
    share_sound(pipe.model)
    mend_convolutions(pipe.model)
    extractor = pipe.feature_extractor
    spec = ModelSpec(
        model=found.name,
        revision=found.revision,
        dtype=dtype,
        family="whisper",
        sampling_rate_hz=extractor.sampling_rate,
        hop_samples=extractor.hop_length,
        receptive_field_samples=extractor.n_fft,
        # A longer window would take the long-form path, which strides break.
        max_window_s=float(extractor.chunk_length),
        equal_lengths_only=False,
        language=found.language,
        blank_id=None,
    )
    return WhisperFamily(pipe, spec, guard)


def _length_without_padding(ids: np.ndarray[Any, np.dtype[np.int64]], end_id: int) -> int:
    """A batch pads with end tokens; alone, a window has none."""
    ends = np.flatnonzero(ids == end_id)
    return int(ends[0]) if len(ends) else len(ids)
