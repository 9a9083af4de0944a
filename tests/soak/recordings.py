"""What is submitted: held-out speech, alone or one after the other, from seconds to ten minutes."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

DATA = Path(__file__).parents[1] / "data"
RATE_HZ = 16_000
#: utterances in a recording, and how many such recordings there are; an utterance lasts about 7 s
SHORT, MEDIUM, MINUTES = (1, 14), (6, 6), (25, 2)
#: three-minute recordings joined to one of ten minutes or so
LONG_PARTS = 3
#: how often a job is of each kind
WEIGHTS = {"short": 0.70, "medium": 0.19, "minutes": 0.09, "long": 0.02}


@dataclass(frozen=True, slots=True)
class Recording:
    kind: str
    path: Path
    duration_s: float


def make(folder: Path) -> list[Recording]:
    """The same recordings every time, so that the seeds of a soak differ in faults and order only."""
    folder.mkdir(parents=True)
    chooser = random.Random(0)
    spoken = sorted((DATA / "heldout").glob("*.opus"))
    long = sorted((DATA / "long").glob("*.opus"))
    made = []
    for kind, (utterances, count) in {"short": SHORT, "medium": MEDIUM, "minutes": MINUTES}.items():
        made += [_join(folder, f"{kind}-{n}", kind, chooser.sample(spoken, utterances)) for n in range(count)]
    made += [_join(folder, path.stem, "minutes", [path]) for path in long]
    return [*made, _join(folder, "long-0", "long", long[:LONG_PARTS])]


def _join(folder: Path, name: str, kind: str, parts: list[Path]) -> Recording:
    waves = []
    for part in parts:
        wave, rate_hz = soundfile.read(part, dtype="float32")
        assert rate_hz == RATE_HZ, part
        waves.append(wave)
    joined = np.concatenate(waves)
    path = folder / f"{name}.flac"
    soundfile.write(path, joined, RATE_HZ, subtype="PCM_16")
    return Recording(kind, path, len(joined) / RATE_HZ)


def choose(recordings: list[Recording], chooser: random.Random) -> Recording:
    kind = chooser.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    return chooser.choice([one for one in recordings if one.kind == kind])
