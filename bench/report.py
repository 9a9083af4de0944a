"""bench/RESULTS.md: made anew from the figures kept in bench/results/*.json; no figure is typed by hand."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import history, plots
from bench.figure import Figure
from bench.machine import Machine

FOLDER = Path(__file__).parent
PAGE = FOLDER / "RESULTS.md"
HEAD = """# Results

Made by `make bench` (`BENCH=name` for one) and `make bench-full` from the JSON in `results/`. Each table names the
commit, machine and date of its run; a missed target is printed as missed. Earlier runs: [at the end](#earlier-runs).
"""


def keep(name: str, about: str, figures: list[Figure], *, seconds: float | None = None) -> None:
    """Keep one measurement's figures in place of its last ones, and write its plot and the page anew."""
    machine = Machine.here()
    rows = [asdict(figure) | {"missed": figure.is_missed} for figure in figures]
    kept = {"about": about, "machine": machine.line(), "seconds": seconds, "figures": rows}
    folder = FOLDER / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    history.add(name, machine.commit, machine.date, figures)
    plots.draw(name, figures, machine.line())
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole of RESULTS.md."""
    tables = [_table(path) for path in sorted((FOLDER / "results").glob("*.json"))]
    return "\n".join([HEAD, *tables, history.section()])


def show_in(target: Path, name: str) -> None:
    """Put the table of one measurement into a page, between `<!-- figures: NAME -->` and `<!-- end of figures -->`."""
    begin, end = f"<!-- figures: {name} -->\n", "<!-- end of figures -->"
    before, _, rest = target.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    kept = _read(FOLDER / "results" / f"{name}.json")
    shown = f"{kept['about']} {kept['machine']}.\n\n{_rows(kept)}"
    target.write_text(f"{before}{begin}\n{shown}\n{end}{after}", encoding="utf-8")


def figures_of(kept: dict[str, Any]) -> list[Figure]:
    return [Figure(**{name: value for name, value in row.items() if name != "missed"}) for row in kept["figures"]]


def _read(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _rows(kept: dict[str, Any]) -> str:
    rows = [figure.row() for figure in figures_of(kept)]
    return "| what | measured | target | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _table(path: Path) -> str:
    kept = _read(path)
    plot = plots.path(path.stem)
    shown = f"\n![{plots.PLOTS[path.stem].title}]({plot.relative_to(FOLDER)})\n" if plot.exists() else ""
    return f"## {path.stem}\n\n{kept['about'].strip()}\n\n{kept['machine']}.\n\n{_rows(kept)}{shown}"
