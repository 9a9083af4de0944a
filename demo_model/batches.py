"""The training batches: clips of 2 to 30 s, put together anew for every step from the corpus, with pauses and noise."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch

from demo_model.corpus import Corpus, Spoken
from demo_model.speech import MANDARIN, SAMPLE_RATE, SPELLED

BATCH_S = 130.0  # seconds of audio in a batch, padding included
SHORT_S, MIDDLE_S, LONG_S = (2.0, 8.0), (8.0, 16.0), (16.0, 30.0)
SPELLED_SHARE = 0.2
EMPTY_SHARE = 0.015  # clips without speech: silence must give no text
NOISE_SHARE = 0.6
PINK_SHARE = 0.5  # of the noise; the rest is white
SNR_DB = (12.0, 40.0)
GAIN_DB = 6.0  # between the utterances of a clip; the clip's own level is normalised away
PAUSES_S = ((0.05, 0.3), (0.3, 1.0), (1.0, 2.0))
EDGE_S = 1.0


@dataclass(frozen=True)
class Batch:
    """Padded waveforms, their mask, and the character ids of all clips in one row."""

    inputs: torch.Tensor
    mask: torch.Tensor
    targets: torch.Tensor
    target_lengths: torch.Tensor


def normalise(wave: np.ndarray) -> np.ndarray:
    """Give a waveform zero mean and unit variance, as the model's feature extractor does."""
    normal: np.ndarray = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
    return normal.astype(np.float32)


def collate(clips: list[tuple[np.ndarray, str]], ids: dict[str, int]) -> Batch:
    """Normalise and pad clips with their texts."""
    longest = max(len(wave) for wave, _ in clips)
    inputs = np.zeros((len(clips), longest), dtype=np.float32)
    mask = np.zeros((len(clips), longest), dtype=np.int64)
    for row, (wave, _) in enumerate(clips):
        inputs[row, : len(wave)] = normalise(wave)
        mask[row, : len(wave)] = 1
    targets = torch.tensor([ids[char] for _, text in clips for char in text], dtype=torch.long)
    lengths = torch.tensor([len(text) for _, text in clips], dtype=torch.long)
    return Batch(torch.from_numpy(inputs), torch.from_numpy(mask), targets, lengths)


class Mixer:
    """Makes the batch of any step, the same each time: training can stop and go on."""

    def __init__(self, corpus: Corpus, ids: dict[str, int], seed: int = 0) -> None:
        """Group the corpus by accent and voice, since a clip has one speaker."""
        self._corpus = corpus
        self._ids = ids
        self._seed = seed
        self._by_accent: dict[str, list[Spoken]] = defaultdict(list)
        self._by_voice: dict[str, list[Spoken]] = defaultdict(list)
        for spoken in corpus.utterances:
            self._by_accent[spoken.accent].append(spoken)
            self._by_voice[spoken.voice].append(spoken)

    def batch(self, step: int, *, easy: bool) -> Batch:
        """Make a batch; an easy one has short clips and no spelled speech, which gets learning off the ground."""
        rng = np.random.default_rng([self._seed, step])
        spans = [SHORT_S] if easy else [SHORT_S, MIDDLE_S, LONG_S]
        length_s = rng.uniform(*spans[rng.integers(len(spans))])
        clips: list[tuple[np.ndarray, str]] = []
        while (len(clips) + 1) * length_s <= BATCH_S:
            clips.append(self._clip(rng, length_s, easy=easy))
        return collate(clips, self._ids)

    def _clip(self, rng: np.random.Generator, length_s: float, *, easy: bool) -> tuple[np.ndarray, str]:
        if rng.random() < EMPTY_SHARE:
            wave, text = np.zeros(int(length_s * SAMPLE_RATE), dtype=np.float32), ""
        else:
            accent = SPELLED if not easy and rng.random() < SPELLED_SHARE else MANDARIN
            wave, text = self._talk(rng, int(length_s * SAMPLE_RATE), accent)
        if rng.random() < NOISE_SHARE:
            wave = wave + _noise(rng, wave)
        return wave, text

    def _talk(self, rng: np.random.Generator, length: int, accent: str) -> tuple[np.ndarray, str]:
        """Let one speaker say as many utterances as fit into a length (one at least, if any is short enough)."""
        pool = self._by_accent[accent]
        first = pool[rng.integers(len(pool))]
        while first.length > length:
            first = pool[rng.integers(len(pool))]
        parts = [_silence(rng, 0.0, EDGE_S), self._louder(rng, first)]
        texts = [first.text]
        same_voice = self._by_voice[first.voice]
        while True:
            pause = _silence(rng, *PAUSES_S[rng.integers(len(PAUSES_S))])
            spoken = same_voice[rng.integers(len(same_voice))]
            if sum(map(len, parts)) + len(pause) + spoken.length > length:
                break
            parts += [pause, self._louder(rng, spoken)]
            texts.append(spoken.text)
        room = max(0, length - sum(map(len, parts))) / SAMPLE_RATE
        parts.append(_silence(rng, 0.0, min(EDGE_S, room)))
        return np.concatenate(parts), "".join(texts)

    def _louder(self, rng: np.random.Generator, spoken: Spoken) -> np.ndarray:
        gain = 10 ** (rng.uniform(-GAIN_DB, GAIN_DB) / 20)
        return self._corpus.samples(spoken) * np.float32(gain)


def _silence(rng: np.random.Generator, low_s: float, high_s: float) -> np.ndarray:
    return np.zeros(int(rng.uniform(low_s, high_s) * SAMPLE_RATE), dtype=np.float32)


def _noise(rng: np.random.Generator, wave: np.ndarray) -> np.ndarray:
    """Make white or pink noise for a waveform, at a signal-to-noise ratio drawn by chance."""
    white = rng.standard_normal(len(wave), dtype=np.float32)
    if rng.random() < PINK_SHARE:
        # Pink: power falls with frequency. Below 20 Hz it is flat, or the noise would be one slow wave.
        spectrum = np.fft.rfft(white)
        hertz = np.fft.rfftfreq(len(white), 1 / SAMPLE_RATE)
        white = np.fft.irfft(spectrum / np.sqrt(np.maximum(hertz, 20.0)), n=len(white)).astype(np.float32)
    power = float(np.mean(wave**2)) or 1e-4
    scale = np.sqrt(power / float(np.mean(white**2))) * 10 ** (-rng.uniform(*SNR_DB) / 20)
    noise: np.ndarray = white * np.float32(scale)
    return noise
