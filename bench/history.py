"""bench/history.jsonl: the figures that have a target, a line for each run of a measurement; the last few are kept."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.machine import Machine

PATH = Path(__file__).parent / "history.jsonl"
#: runs of each measurement on one processor
KEPT = 6


def add(name: str, machine: Machine, figures: list[Figure], path: Path = PATH) -> None:
    """A run of the same commit on the same processor takes the place of the one before it."""
    aims = {full: figure.value for full, figure in named(figures) if figure.target and figure.value is not None}
    if not aims:
        return
    new = {"program": name, "processor": machine.processor, "commit": machine.commit, "date": machine.date}
    runs = [run for run in read(path) if any(run[key] != new[key] for key in ("program", "processor", "commit"))]
    runs.append(new | {"figures": aims})
    alike = [run for run in runs if (run["program"], run["processor"]) == (name, machine.processor)]
    surplus = alike[:-KEPT]
    path.write_text("".join(_line(run) for run in runs if run not in surplus), encoding="utf-8")


def named(figures: Iterable[Figure]) -> Iterable[tuple[str, Figure]]:
    """Each under a name of its own: one that begins with "…" goes on from the last that doesn't."""
    head = ""
    for figure in figures:
        goes_on = figure.what.startswith("…")
        head = head if goes_on else figure.what
        yield f"{head} {figure.what}" if goes_on else head, figure


def first(figures: Iterable[Figure], what: str) -> tuple[str, float] | None:
    """The first that was measured and whose name holds `what`: its name and value."""
    return next(((full, each.value) for full, each in named(figures) if what in full and each.value is not None), None)


def section(path: Path = PATH) -> str:
    """The part of the page that shows them: a line for each figure on each processor, the oldest run first."""
    lines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for run in read(path):
        for what, value in run["figures"].items():
            lines[run["program"], what, run["processor"]].append(f"{value:,.4g} ({run['commit']})")
    rows = [f"| {' | '.join(key)} | {' → '.join(runs)} |" for key, runs in sorted(lines.items())]
    head = "## Earlier runs\n\nThe figures that have a target, with the commits they were measured at.\n\n"
    return head + "\n".join(["| | what | processor | measured |", "|---|---|---|---|", *rows]) + "\n"


def read(path: Path = PATH) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def _line(run: dict[str, Any]) -> str:
    return json.dumps(run, ensure_ascii=False) + "\n"
