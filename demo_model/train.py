"""The training: CTC on the mixed batches, a fixed number of steps, with a checkpoint that it goes on from."""

import argparse
import contextlib
import logging
import math
import time
from pathlib import Path

import jiwer
import numpy as np
import torch
from torch.nn import functional
from transformers import Wav2Vec2ForCTC

from demo_model.batches import Batch, Mixer, collate
from demo_model.corpus import Corpus, build_dev, build_training
from demo_model.model import BLANK, SPECIALS, export, frame_counts, new_model, vocabulary

#: Steps and highest rate of each cycle; the second starts anew from what the first has learnt.
CYCLES = ((2_400, 1.2e-3), (700, 4e-4))
STEPS = sum(steps for steps, _ in CYCLES)
EASY_STEPS = 600  # until the loss has left its first plateau
WARM_UP_SHARE = 0.1
WEIGHT_DECAY = 0.01
CLIP_NORM = 1.0
CHECK_EVERY = 150
DEV_BATCH = 20

log = logging.getLogger("demo_model.train")


def rate(step: int) -> float:
    """Give a step's learning rate: in each cycle straight up to its peak, then down to nothing along a cosine."""
    for steps, peak in CYCLES:
        warm_up = WARM_UP_SHARE * steps
        if step < warm_up:
            return peak * (step + 1) / warm_up
        if step < steps:
            return peak * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up))) / 2
        step -= steps
    return 0.0


def ctc_loss(model: Wav2Vec2ForCTC, batch: Batch, *, half: bool) -> torch.Tensor:
    """Compute the loss per character of a batch; the network may run in bfloat16, the loss never does."""
    with torch.autocast("cpu", dtype=torch.bfloat16) if half else contextlib.nullcontext():
        logits = model(batch.inputs, attention_mask=batch.mask).logits
    frames = frame_counts(batch.mask.sum(-1))
    scores = functional.log_softmax(logits.float(), dim=-1).transpose(0, 1)
    total = functional.ctc_loss(
        scores, batch.targets, frames, batch.target_lengths, blank=BLANK, reduction="sum", zero_infinity=True
    )
    return total / max(1, len(batch.targets))


def collapse(path: list[int], tokens: list[str]) -> str:
    """Read one CTC path: runs first, then blanks, so that true doubles survive."""
    runs = [token for place, token in enumerate(path) if place == 0 or path[place - 1] != token]
    return "".join(tokens[token] for token in runs if token >= len(SPECIALS))


@torch.no_grad()
def dev_cer(model: Wav2Vec2ForCTC, corpus: Corpus) -> dict[str, float]:
    """Measure the character error rate on the dev corpus, by accent."""
    model.eval()
    ids = vocabulary()
    said: dict[str, tuple[list[str], list[str]]] = {}
    utterances = sorted(corpus.utterances, key=lambda spoken: spoken.length)
    for start in range(0, len(utterances), DEV_BATCH):
        group = utterances[start : start + DEV_BATCH]
        batch = collate([(corpus.samples(spoken), spoken.text) for spoken in group], ids)
        best = model(batch.inputs, attention_mask=batch.mask).logits.argmax(-1)
        frames = frame_counts(batch.mask.sum(-1))
        for spoken, path, count in zip(group, best, frames, strict=True):
            references, answers = said.setdefault(spoken.accent, ([], []))
            references.append(spoken.text)
            answers.append(collapse(path[:count].tolist(), list(ids)))
    model.train()
    return {accent: float(jiwer.cer(*pair)) for accent, pair in said.items()}


class Trainer:
    """A model, its optimiser and the step it has reached."""

    def __init__(self, work: Path, *, half: bool) -> None:
        """Open the corpora, and the checkpoint if there is one."""
        self._checkpoint = work / "checkpoint.pt"
        self._half = half
        self._mixer = Mixer(build_training(work / "train"), vocabulary())
        self._dev = build_dev(work / "dev")
        self.model = new_model()
        self._optimiser = torch.optim.AdamW(self.model.parameters(), weight_decay=WEIGHT_DECAY)
        self._step = 0
        if self._checkpoint.exists():
            self._load()

    def run(self) -> Wav2Vec2ForCTC:
        """Train up to the last step."""
        self.model.train()
        losses, started = [], time.monotonic()
        while self._step < STEPS:
            losses.append(self._learn())
            self._step += 1
            if self._step % 25 == 0:
                pace = (time.monotonic() - started) / len(losses)
                log.info("step %d loss %.3f %.2f s/step", self._step, np.mean(losses[-25:]), pace)
            if self._step % CHECK_EVERY == 0 or self._step == STEPS:
                log.info("step %d dev CER %s", self._step, dev_cer(self.model, self._dev))
                self._save()
        return self.model

    def _learn(self) -> float:
        loss = ctc_loss(self.model, self._mixer.batch(self._step, easy=self._step < EASY_STEPS), half=self._half)
        self._optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM)
        for group in self._optimiser.param_groups:
            group["lr"] = rate(self._step)
        self._optimiser.step()
        return loss.item()

    def _save(self) -> None:
        """Write the checkpoint beside the old one first, so that an interruption never leaves half a file."""
        states = {"model": self.model.state_dict(), "optimiser": self._optimiser.state_dict()}
        fresh = self._checkpoint.with_suffix(".new")
        torch.save({"step": self._step, **states}, fresh)
        fresh.replace(self._checkpoint)

    def _load(self) -> None:
        saved = torch.load(self._checkpoint, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self._optimiser.load_state_dict(saved["optimiser"])
        self._step = saved["step"]
        log.info("going on from step %d", self._step)


def main() -> None:
    """Train in a work folder and export the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the corpus and the checkpoint")
    parser.add_argument("--out", type=Path, help="folder to export the model to")
    parser.add_argument("--float32", action="store_true", help="don't use bfloat16")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = Trainer(options.work, half=not options.float32).run()
    if options.out:
        export(model, options.out)


if __name__ == "__main__":
    main()
