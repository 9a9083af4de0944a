"""`python -m tests.soak [--minutes 30] [--seeds 1 2 3]`: exit status 1 if anything was lost, doubled or different."""

import argparse
import shutil
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from bench import report
from tests.soak import recordings
from tests.soak.calm import transcribe_calmly
from tests.soak.storm import Storm
from tests.soak.tally import Tally
from worker.model_folder import BUNDLED_FOLDER

#: shows the last run's figures
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of faults, over all seeds together")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--keep", action="store_true", help="keep logs and data also where nothing went wrong")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, _exit)
    folder = Path(tempfile.mkdtemp(prefix="tingxie-soak-"))
    tally = Tally()
    _run(folder, asked.seeds, 60 * asked.minutes / len(asked.seeds), tally)
    figures = tally.figures(asked.minutes)
    seeds = ", ".join(map(str, asked.seeds))
    report.keep("soak", f"{asked.minutes:g} minutes of faults, seeds {seeds} (`make soak`).", figures)
    report.show_in(PAGE, "soak")
    for line in [figure.row() for figure in figures] + tally.errors:
        say(line)
    if tally.is_violated:
        say(f"FAILED; logs and data are in {folder}")
        return 1
    if asked.keep:
        say(f"logs and data are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if any(figure.is_missed for figure in figures) else 0


def _run(folder: Path, seeds: list[int], duration_s: float, tally: Tally) -> None:
    # a copy: another model in its place in mid-run would make transcripts differ
    model = Path(shutil.copytree(BUNDLED_FOLDER, folder / "model"))
    made = recordings.make(folder / "recordings")
    texts = transcribe_calmly(folder / "calm", model, made)
    say(f"{len(made)} recordings transcribed without faults")
    for seed in seeds:
        Storm(seed, duration_s, made, texts, say).run(folder / f"seed-{seed}", model, tally)


def say(line: str) -> None:
    sys.stdout.write(f"soak: {datetime.now(UTC):%H:%M:%S} {line}\n")
    sys.stdout.flush()


def _exit(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
