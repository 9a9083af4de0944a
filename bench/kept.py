"""bench/results/*.json: what each measurement found last, on each kind of machine that it ran on."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from bench.figure import Figure

FOLDER = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Run:
    """machine: the kind of it, and when and at which commit. kind: what another kind's figures aren't compared with."""

    machine: str
    kind: str
    seconds: float | None
    figures: list[Figure]

    @classmethod
    def read(cls, run: dict[str, Any]) -> Self:
        figures = [Figure(**{name: value for name, value in row.items() if name != "missed"}) for row in run["figures"]]
        return cls(run["machine"], run["kind"], run["seconds"], figures)

    def written(self) -> dict[str, Any]:
        rows = [asdict(figure) | {"missed": figure.is_missed} for figure in self.figures]
        return {"machine": self.machine, "kind": self.kind, "seconds": self.seconds, "figures": rows}


@dataclass(frozen=True, slots=True)
class Measurement:
    """runs: the newest first, one for each kind of machine. about: what was measured, and how."""

    about: str
    runs: list[Run]

    @classmethod
    def read(cls, path: Path) -> Self:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(kept["about"], [Run.read(run) for run in kept["runs"]])

    def write(self, path: Path) -> None:
        path.parent.mkdir(exist_ok=True)
        kept = {"about": self.about, "runs": [run.written() for run in self.runs]}
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def path(name: str, folder: Path = FOLDER) -> Path:
    return folder / f"{name}.json"


def add(name: str, about: str, run: Run, folder: Path = FOLDER) -> None:
    """In place of the last run on a machine of its kind."""
    target = path(name, folder)
    before = Measurement.read(target).runs if target.exists() else []
    others = [each for each in before if each.kind != run.kind]
    Measurement(about, [run, *others]).write(target)
