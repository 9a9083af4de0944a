"""Character error rate of the bundled model through the whole service, on speech it never met."""

from pathlib import Path

from bench.figure import Figure
from bench.stack import service
from demo_model.evaluate import Score, score
from tests.support.accuracy import transcribe_folder

DATA = Path(__file__).parents[1] / "tests/data"
TIMEOUT_S = 900.0


def measure() -> list[Figure]:
    with service() as client:
        short = transcribe_folder(client, DATA / "heldout", timeout_s=TIMEOUT_S)
        long = transcribe_folder(client, DATA / "long", timeout_s=TIMEOUT_S)
    utterances, recordings = score("utterances", short), score("recordings", long)
    voices = sorted({answer.reference.voice for answer in short})
    each = [score(voice, [answer for answer in short if answer.reference.voice == voice]) for voice in voices]
    return [
        Figure(f"{utterances.recordings} utterances: CER", 100 * utterances.cer, "%", "≤ 1.5"),
        *(Figure(f"… voice {one.name}: CER", 100 * one.cer, "%") for one in each),
        Figure("three-minute recordings: CER", 100 * recordings.cer, "%", "≤ 2.5"),
        Figure("doubled characters kept", _kept(utterances, recordings), "%"),
    ]


def _kept(*scores: Score) -> float:
    return 100 * sum(one.doubles_kept for one in scores) / sum(one.doubles for one in scores)
