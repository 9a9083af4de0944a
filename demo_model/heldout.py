"""The held-out speech: sentences and voices that training never met, as Opus files with their texts."""

import argparse
import json
import random
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile

from demo_model.corpus import trim
from demo_model.grammar import Grammar, Split
from demo_model.speech import HELD_OUT_VARIANTS, MANDARIN, SAMPLE_RATE, Voice, draw_voice, join, speak

UTTERANCES_A_VOICE = 150
LONG_S = 180.0
#: (name, variant, speed, shortest and longest pause in seconds) of each three-minute recording
LONG = (
    ("continuous-1", "m3", 150, (0.02, 0.1)),
    ("continuous-2", "f4", 190, (0.02, 0.1)),
    ("pauses-1", "f4", 140, (0.2, 2.0)),
    ("pauses-2", "m3", 200, (0.2, 2.0)),
)
SAMPLE_PATTERNS = (4, 7, 2, 0, 8, 6, 12, 10, 13, 9)  # a little of everything, thanks last
SAMPLE_VOICE = Voice(f"{MANDARIN}+m3", 150, 50)
SAMPLE_SEED = "sample 40"  # chosen for its doubles: 看看, 爸爸, 妈妈, 谢谢, 二二, 七七
# libsndfile maps 0 to 1 linearly onto 256 to 6 kbit/s: about 24 kbit/s, transparent for this speech.
OPUS_COMPRESSION = 0.93


@dataclass(frozen=True)
class Reference:
    """One line of `references.jsonl`: a file beside it, what is said in it, and how."""

    file: str
    text: str
    voice: str
    speed: int
    duration_s: float


def write_opus(path: Path, wave: np.ndarray) -> None:
    """Write a mono 16 kHz waveform as Ogg Opus."""
    soundfile.write(path, wave, SAMPLE_RATE, format="OGG", subtype="OPUS", compression_level=OPUS_COMPRESSION)


def build_utterances(folder: Path, accent: str = MANDARIN, per_voice: int = UTTERANCES_A_VOICE) -> None:
    """Speak the held-out utterances, the same number in each held-out voice."""
    grammar, references = Grammar.load(), []
    _empty(folder)
    for variant in HELD_OUT_VARIANTS:
        rng = random.Random(f"{Split.HELD_OUT} {accent} {variant}")
        for number in range(per_voice):
            sentences = grammar.utterance(rng, Split.HELD_OUT)
            voice = draw_voice(rng, accent, (variant,))
            wave = speak(join(sentences, rng), voice)
            references.append(_keep(folder, f"{variant}-{number:03}.opus", "".join(sentences), voice, wave))
    _write_index(folder, references)


def build_long(folder: Path) -> None:
    """Speak the three-minute recordings: without pauses to speak of, and with them."""
    grammar, references = Grammar.load(), []
    _empty(folder)
    for name, variant, speed, pauses_s in LONG:
        rng = random.Random(f"long {name}")
        voice = Voice(f"{MANDARIN}+{variant}", speed, rng.randint(40, 60))
        sentences: list[str] = []
        parts: list[np.ndarray] = []
        while sum(map(len, parts)) < LONG_S * SAMPLE_RATE:
            sentences.append(grammar.sentence(rng, Split.HELD_OUT))
            parts += [trim(speak(sentences[-1], voice)), _silence(rng.uniform(*pauses_s))]
        references.append(_keep(folder, f"{name}.opus", "".join(sentences), voice, np.concatenate(parts)))
    _write_index(folder, references)


def build_sample(folder: Path) -> None:
    """Speak the sample that the demonstration transcribes, `demo.opus`, and write its text, `demo.txt`."""
    rng = random.Random(SAMPLE_SEED)
    language = Grammar.load()
    folder.mkdir(parents=True, exist_ok=True)
    parts, text = [_silence(0.4)], ""
    for number in SAMPLE_PATTERNS:
        alone = Grammar(language.slots, [language.patterns[number]])
        sentence = alone.sentence(rng, Split.HELD_OUT)
        parts += [trim(speak(sentence, SAMPLE_VOICE)), _silence(rng.uniform(0.5, 0.9))]
        text += sentence
    write_opus(folder / "demo.opus", np.concatenate(parts))
    (folder / "demo.txt").write_text(text + "\n", encoding="utf-8")


def read_index(folder: Path) -> list[Reference]:
    """Read the references of a folder."""
    lines = (folder / "references.jsonl").read_text(encoding="utf-8").splitlines()
    return [Reference(**json.loads(line)) for line in lines]


def _keep(folder: Path, file: str, text: str, voice: Voice, wave: np.ndarray) -> Reference:
    write_opus(folder / file, wave)
    return Reference(file, text, voice.name, voice.speed, round(len(wave) / SAMPLE_RATE, 3))


def _write_index(folder: Path, references: list[Reference]) -> None:
    lines = [json.dumps(asdict(reference), ensure_ascii=False) + "\n" for reference in references]
    (folder / "references.jsonl").write_text("".join(lines), encoding="utf-8")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _silence(length_s: float) -> np.ndarray:
    return np.zeros(int(length_s * SAMPLE_RATE), dtype=np.float32)


def main() -> None:
    """Write all held-out material below a repository's root."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=Path())
    root = parser.parse_args().root
    build_utterances(root / "tests/data/heldout")
    build_long(root / "tests/data/long")
    build_sample(root / "samples")


if __name__ == "__main__":
    main()
