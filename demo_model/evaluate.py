"""The measurement: character error rates of a model folder, through Hugging Face's own pipeline."""

import argparse
import itertools
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import jiwer
import soundfile
from transformers import pipeline

from demo_model.heldout import Reference, read_index
from demo_model.speech import SAMPLE_RATE

CHUNK_S, STRIDE_S = 20, 1
_DROPPED = set(string.whitespace + string.punctuation + "，。！？、；：")


@dataclass(frozen=True)
class Answer:
    """What a model heard, beside what was said; both normalised."""

    reference: Reference
    said: str
    heard: str


@dataclass(frozen=True)
class Score:
    """How well a group of answers fits."""

    name: str
    recordings: int
    audio_s: float
    cer: float
    doubles: int
    doubles_kept: int

    def __str__(self) -> str:
        """One line of a table in Markdown."""
        kept = f"{self.doubles_kept} of {self.doubles}"
        return f"| {self.name} | {self.recordings} | {self.audio_s / 60:.1f} min | {100 * self.cer:.2f} % | {kept} |"


def normalise(text: str) -> str:
    """Bring a text to the form that is compared: NFKC, lower case, no spaces, no punctuation."""
    return "".join(char for char in unicodedata.normalize("NFKC", text).lower() if char not in _DROPPED)


def doubles(text: str) -> Counter[str]:
    """Count the characters that stand twice in a row, as in 妈妈."""
    return Counter(one for one, next_one in itertools.pairwise(text) if one == next_one)


def transcribe(model: Path, folder: Path, *, windows: bool) -> list[Answer]:
    """Transcribe a folder's recordings, whole or in windows."""
    recogniser = pipeline("automatic-speech-recognition", model=str(model), device="cpu")
    options = {"chunk_length_s": CHUNK_S, "stride_length_s": STRIDE_S} if windows else {}
    answers = []
    for reference in read_index(folder):
        samples, rate = soundfile.read(folder / reference.file, dtype="float32")
        if rate != SAMPLE_RATE:
            raise ValueError(f"{reference.file} has {rate} samples a second, not {SAMPLE_RATE}")
        heard = recogniser({"raw": samples, "sampling_rate": rate}, **options)["text"]
        answers.append(Answer(reference, normalise(reference.text), normalise(heard)))
    return answers


def score(name: str, answers: Iterable[Answer]) -> Score:
    """Score answers as one corpus: all errors over all characters."""
    group = list(answers)
    said, heard = [answer.said for answer in group], [answer.heard for answer in group]
    pairs = [(doubles(answer.said), doubles(answer.heard)) for answer in group]
    return Score(
        name=name,
        recordings=len(group),
        audio_s=sum(answer.reference.duration_s for answer in group),
        cer=float(jiwer.cer(said, heard)),
        doubles=sum(wanted.total() for wanted, _ in pairs),
        doubles_kept=sum((wanted & found).total() for wanted, found in pairs),
    )


def scores(model: Path, root: Path) -> list[Score]:
    """Score the held-out utterances, together and by voice, and the three-minute recordings."""
    short = transcribe(model, root / "tests/data/heldout", windows=False)
    long = transcribe(model, root / "tests/data/long", windows=True)
    voices = sorted({answer.reference.voice for answer in short})
    return [
        score("held-out utterances", short),
        *(score(f"… voice `{voice}`", (a for a in short if a.reference.voice == voice)) for voice in voices),
        score("three-minute recordings", long),
        *(score(f"… `{answer.reference.file}`", [answer]) for answer in long),
    ]


def table(rows: Iterable[Score]) -> str:
    """Lay scores out as a table in Markdown."""
    head = "| recordings | how many | audio | CER | doubled characters kept |\n|---|---|---|---|---|\n"
    return head + "".join(f"{row}\n" for row in rows)


def main() -> None:
    """Print the scores of a model folder, or of one folder of recordings with their errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("worker/bundled"))
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("--folder", type=Path, help="score only this folder and show each wrong answer")
    parser.add_argument("--windows", action="store_true", help=f"with --folder: windows of {CHUNK_S} s")
    options = parser.parse_args()
    if not options.folder:
        print(table(scores(options.model, options.root)))
        return
    answers = transcribe(options.model, options.folder, windows=options.windows)
    for answer in answers:
        if answer.said != answer.heard:
            print(f"{answer.reference.file}\n  said  {answer.said}\n  heard {answer.heard}")
    print(table([score(options.folder.name, answers)]))


if __name__ == "__main__":
    main()
