"""Speech with silences at known places: utterances that the bundled model never met, trimmed to what is heard."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from jobs.transcript import Transcript

HELDOUT = Path(__file__).parents[1] / "data" / "heldout"
RATE = 16_000
#: silences, in seconds: each longer than the pause that ends a segment
SHORTEST_S, LONGEST_S = 1.0, 3.0
#: -30 dB: what is quieter belongs to the silence
HEARD_SHARE = 1e-3
#: 16-bit steps
STEP = 32768


@dataclass(frozen=True, slots=True)
class SpacedSpeech:
    """wave: mono at 16 kHz, in steps of 16 bits. spans_s: of each utterance its beginning and end."""

    wave: NDArray[np.float32]
    spans_s: list[tuple[float, float]]


def spaced_speech(seconds: float, *, noise: float = 0.0, seed: int = 0) -> SpacedSpeech:
    """At least so many seconds of it, over white noise of the given standard deviation (full scale is 1.0)."""
    dice = np.random.default_rng(seed)
    utterances = [_trimmed(name) for name in _names()]
    parts, spans, at = [np.zeros(RATE, np.float32)], [], RATE
    while at < seconds * RATE:
        speech = utterances[dice.integers(len(utterances))]
        silence = round(dice.uniform(SHORTEST_S, LONGEST_S) * RATE)
        spans.append((at / RATE, (at + len(speech)) / RATE))
        parts += [speech, np.zeros(silence, np.float32)]
        at += len(speech) + silence
    wave = np.concatenate(parts)
    if noise:
        wave += noise * dice.standard_normal(len(wave), np.float32)
    return SpacedSpeech((np.rint(np.clip(wave, -1, 1 - 1 / STEP) * STEP) / STEP).astype(np.float32), spans)


def edge_errors_s(speech: SpacedSpeech, transcript: Transcript) -> NDArray[np.float64]:
    """(utterances, 2): how much later than each utterance's edges the nearest segment begins, and ends."""
    edges = np.array([(segment.start_s, segment.end_s) for segment in transcript.segments])
    known = np.array(speech.spans_s)
    nearest = np.abs(edges[None, :, :] - known[:, None, :]).argmin(axis=1)
    found: NDArray[np.float64] = np.take_along_axis(edges, nearest, axis=0) - known
    return found


def _names() -> list[str]:
    return [json.loads(line)["file"] for line in (HELDOUT / "references.jsonl").read_text("utf-8").splitlines()][::6]


def _trimmed(name: str) -> NDArray[np.float32]:
    wave, rate = soundfile.read(HELDOUT / name, dtype="float32")
    assert rate == RATE
    power = np.convolve(np.square(wave), np.full(RATE // 100, 100 / RATE), "same")
    heard = np.flatnonzero(power > HEARD_SHARE * power.max())
    return wave[heard[0] : heard[-1] + 1]
