"""The training speech: utterances spoken once, kept in one flat file of 16-bit samples with an index."""

import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from demo_model.codecs import make_lossy
from demo_model.grammar import Grammar, Split
from demo_model.speech import MANDARIN, SPELLED, Voice, draw_training_variants, draw_voice, join, speak

MANDARIN_UTTERANCES = 9_000  # about 15 hours
SPELLED_UTTERANCES = 2_000
MEDLEY_EVERY = 6  # one training utterance of so many is a medley of words
DEV_UTTERANCES = 160
FULL_SCALE = 32_767
SILENCE_BELOW = 0.004  # of the peak; what is quieter at both ends is cut off, so that pauses are ours to choose


@dataclass(frozen=True)
class Spoken:
    """One utterance of the corpus and where its samples lie."""

    text: str
    voice: str
    accent: str
    start: int
    length: int


@dataclass(frozen=True)
class _Order:
    """What to speak: made cheap to send to another process."""

    seed: int
    accent: str
    split: Split


class Corpus:
    """Utterances in a folder: `samples.i16` and `index.jsonl`."""

    def __init__(self, folder: Path) -> None:
        """Open a corpus that `build` has made."""
        lines = (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()
        self.utterances = [Spoken(**json.loads(line)) for line in lines]
        self._samples = np.memmap(folder / "samples.i16", dtype=np.int16, mode="r")

    def samples(self, spoken: Spoken) -> np.ndarray:
        """Give an utterance's waveform as float32 within -1 to 1."""
        stored = self._samples[spoken.start : spoken.start + spoken.length]
        return stored.astype(np.float32) / FULL_SCALE


def build(folder: Path, split: Split, counts: dict[str, int], processes: int = 2) -> Corpus:
    """Speak a corpus into a folder, unless it is there already."""
    if not (folder / "index.jsonl").exists():
        folder.mkdir(parents=True, exist_ok=True)
        orders = list(_orders(split, counts))
        index = []
        with Pool(processes) as pool, (folder / "clean.i16").open("wb") as samples:
            start = 0
            for order, (text, voice, wave) in zip(orders, pool.imap(_carry_out, orders, chunksize=50), strict=True):
                samples.write(wave.tobytes())
                index.append(Spoken(text, voice.name, order.accent, start, len(wave)))
                start += len(wave)
        make_lossy(folder / "clean.i16", folder / "samples.i16", processes)
        (folder / "clean.i16").unlink()
        lines = [json.dumps(asdict(spoken), ensure_ascii=False) + "\n" for spoken in index]
        (folder / "index.jsonl").write_text("".join(lines), encoding="utf-8")
    return Corpus(folder)


def build_training(folder: Path) -> Corpus:
    """Speak the corpus to train on."""
    return build(folder, Split.TRAIN, {MANDARIN: MANDARIN_UTTERANCES, SPELLED: SPELLED_UTTERANCES})


def build_dev(folder: Path) -> Corpus:
    """Speak the corpus to look at during training: voices of the training, other sentences."""
    return build(folder, Split.DEV, {MANDARIN: DEV_UTTERANCES, SPELLED: DEV_UTTERANCES // 4})


def _orders(split: Split, counts: dict[str, int]) -> Iterator[_Order]:
    for accent, count in counts.items():
        for number in range(count):
            yield _Order(number, accent, split)


def _carry_out(order: _Order) -> tuple[str, Voice, np.ndarray]:
    rng = random.Random(f"{order.split} {order.accent} {order.seed}")
    medley = order.split is Split.TRAIN and order.seed % MEDLEY_EVERY == 0
    sentences = [Grammar.load().medley(rng)] if medley else Grammar.load().utterance(rng, order.split)
    voice = draw_voice(rng, order.accent, draw_training_variants(rng))
    wave = trim(speak(join(sentences, rng), voice))
    return "".join(sentences), voice, np.round(wave * FULL_SCALE).astype(np.int16)


def trim(wave: np.ndarray) -> np.ndarray:
    """Cut the silence off both ends."""
    loud = np.flatnonzero(np.abs(wave) > SILENCE_BELOW * np.abs(wave).max())
    return wave[loud[0] : loud[-1] + 1]
