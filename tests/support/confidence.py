"""How well the confidence of a character tells wrong ones from right ones, on recordings with noise added."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
import numpy as np
import soundfile

from demo_model.evaluate import normalise
from demo_model.heldout import read_index
from tingxie.client import Client


@dataclass(frozen=True, slots=True)
class Heard:
    """A character of a transcript, and whether it was said there."""

    confidence: float
    is_right: bool


def hear(client: Client, folder: Path, work: Path, *, snr_db: float, every: int, timeout_s: float) -> list[Heard]:
    """Every so manieth recording of a folder with references, in white noise, through the service. work: for files."""
    dice = np.random.default_rng(0)
    references = read_index(folder)[::every]
    jobs = []
    for reference in references:
        samples, rate = soundfile.read(folder / reference.file)
        noise = dice.normal(0, np.sqrt(np.mean(samples**2) / 10 ** (snr_db / 10)), len(samples))
        path = work / f"{snr_db:g}dB-{Path(reference.file).stem}.wav"
        soundfile.write(path, np.clip(samples + noise, -1, 1), rate, subtype="PCM_16")
        jobs.append(client.submit(path))
    heard: list[Heard] = []
    for reference, job in zip(references, jobs, strict=True):
        ended = client.wait(job.id, timeout_s=timeout_s)
        assert ended.state == "succeeded", (reference.file, ended.error)
        chars = [(normalise(each.text), each.confidence) for each in client.transcript(job.id).chars or []]
        heard += _judged(
            normalise(reference.text), [(text, sure) for text, sure in chars if len(text) == 1 and sure is not None]
        )
    return heard


def _judged(said: str, chars: Sequence[tuple[str, float]]) -> list[Heard]:
    if not chars:
        return []
    right = np.zeros(len(chars), bool)
    for part in jiwer.process_characters(said, "".join(text for text, _ in chars)).alignments[0]:
        if part.type == "equal":
            right[part.hyp_start_idx : part.hyp_end_idx] = True
    return [Heard(sure, bool(is_right)) for (_, sure), is_right in zip(chars, right, strict=True)]


def auroc(heard: Sequence[Heard]) -> float:
    """How often a right character is surer than a wrong one, of all such pairs; a tie counts half."""
    right = np.array([each.confidence for each in heard if each.is_right])
    wrong = np.sort([each.confidence for each in heard if not each.is_right])
    below, upto = np.searchsorted(wrong, right, "left"), np.searchsorted(wrong, right, "right")
    return float((below + upto).mean() / 2 / len(wrong))
