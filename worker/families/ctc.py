"""CTC models: wav2vec2, HuBERT, WavLM, data2vec-audio, wav2vec2-BERT and others that pass the probe.

The numbers are those of the pipeline at batch 1: each window is normalised alone, and a window in a padded batch keeps
only the frames that it has by itself (FACTS: the pipeline's own batches keep padding frames).
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from transformers.pipelines.automatic_speech_recognition import rescale_stride

from jobs.model import ModelSpec
from jobs.window import Window
from worker.families.frames import FrameRule
from worker.families.lanes import Given, Lanes, Made, are_even
from worker.families.network import Network
from worker.forward import ForwardError, ForwardInput, ForwardOutput, Samples
from worker.loudness import Mask, loud_frames
from worker.runs import Runs
from worker.stitch import stitch
from worker.vocabulary import VOCABULARY_FILE, Vocabulary

#: scores that are looked at together: on a CPU so many float32 as its second cache holds, on a device 0.25 GB of them
MOST_CPU_SCORES, MOST_DEVICE_SCORES = 1 << 19, 1 << 26


@dataclass(frozen=True)
class CtcFamily:
    network: Network
    lanes: Lanes
    spec: ModelSpec
    rule: FrameRule
    vocabulary: Vocabulary

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        return self.in_lanes(self._forward_batch, windows, [len(window.samples) for window in windows])

    def in_lanes(
        self, work: Callable[[list[Given]], list[Made]], windows: list[Given], lengths: list[int]
    ) -> list[Made]:
        """What `work` makes of each window, in order; it is given the batches that suit this model and machine."""
        batches, lanes = self._batches(lengths)
        made = self.lanes.run(work, [[windows[index] for index in batch] for batch in batches], most=lanes)
        results = dict(zip(chain(*batches), chain(*made), strict=True))
        return [results[index] for index in range(len(windows))]

    def _batches(self, lengths: list[int]) -> tuple[list[list[int]], int]:
        """For as many lanes as end together, and how many those are."""
        lanes = self.lanes.count
        while True:
            batches = self.network.batches(lengths, equal_only=self.spec.equal_lengths_only, lanes=lanes)
            if are_even([sum(lengths[index] for index in batch) for batch in batches], lanes):
                return batches, lanes
            lanes //= 2

    def finish_files(self) -> dict[str, bytes]:
        return {VOCABULARY_FILE: self.vocabulary.to_json()}

    @property
    def pipe(self) -> Any:
        return self.network.pipe

    def _forward_batch(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        with torch.inference_mode():
            scores = self.network.score([self._at_least_a_frame(window.samples) for window in windows])
            kept = [rows[self._kept(window.lease.window)] for rows, window in zip(scores, windows, strict=True)]
            # One transfer for the batch, not two for each window; they wait for the device, so this comes between.
            best, sure = (torch.cat(column) for column in zip(*map(best_tokens, kept), strict=True))
            loud = [self._loud(window) for window in windows]
            ids, confidences = best.cpu().numpy(), sure.cpu().numpy()
        if not np.isfinite(confidences).all():
            raise ForwardError(f"{self.spec.model} in {self.spec.dtype} gave scores that are not numbers")
        ends = np.cumsum([len(row) for row in kept])[:-1]
        return [
            self._output(Runs.of_frames(*columns))
            for columns in zip(np.split(ids, ends), np.split(confidences, ends), loud, strict=True)
        ]

    def _output(self, runs: Runs) -> ForwardOutput:
        tokens = stitch([runs], self.vocabulary)
        return ForwardOutput(runs.pack(), self.vocabulary.text(tokens.ids.tolist()))

    def _loud(self, window: ForwardInput) -> Mask:
        """Of the window's kept frames."""
        frames = self.rule.frames(max(window.lease.window.samples, self.spec.receptive_field_samples))
        return loud_frames(window.samples, self.rule.hop_samples, frames)[self._kept(window.lease.window)]

    def _at_least_a_frame(self, samples: Samples) -> Samples:
        """A file that is too short, zeros after it: the model raises for less than a frame."""
        missing = self.rule.shortest - len(samples)
        return np.pad(samples, (0, missing)) if missing > 0 else samples

    def _kept(self, window: Window) -> slice:
        """The frames of a window that are its own: without context, and without those that padding made."""
        lengths = (window.samples, window.left_samples, window.right_samples)
        ((frames, left, right),) = rescale_stride([lengths], 1 / self.rule.hop_samples)
        own = self.rule.frames(max(window.samples, self.spec.receptive_field_samples))
        return slice(left, min(frames - right, own))


def best_tokens(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of scores [frame, token]: each frame's best token, the first of equals, and how sure it is.

    Confidence is the inverse perplexity of a frame's scores, scaled so that a uniform guess is 0 and certainty is 1.
    Normalised entropy tells wrong words from right ones better than the largest probability, at the same cost
    (arXiv 2212.08703).
    """
    scores_at_once = MOST_CPU_SCORES if logits.device.type == "cpu" else MOST_DEVICE_SCORES
    parts = torch.split(logits, max(1, scores_at_once // logits.shape[-1]))
    ids, entropies = (torch.cat(column) for column in zip(*map(_best_tokens, parts), strict=True))
    guess = 1 / logits.shape[-1]
    return ids, ((torch.exp(-entropies) - guess) / (1 - guess)).clamp(0, 1)


def _best_tokens(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Best tokens and entropies. With d the distance from the best score, and Z the sum of exp(d): H = log Z - E[d]."""
    scores = logits.float()
    best, ids = scores.max(-1, keepdim=True)
    scores = scores - best
    weights = scores.exp()
    total = weights.sum(-1)
    return ids.squeeze(-1), total.log() - torch.linalg.vecdot(weights, scores) / total
