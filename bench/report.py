"""bench/RESULTS.md: made anew from the figures kept in bench/results/*.json; no figure is typed by hand."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.figure import Figure
from bench.machine import Machine

FOLDER = Path(__file__).parent
HEAD = """# Results

Made by `make bench` (`BENCH=name` for one). Each table names the commit, machine and date of its run; a missed target
is printed as missed.
"""


def keep(name: str, about: str, figures: list[Figure]) -> None:
    """Keep one measurement's figures in place of its last ones, and write the page anew."""
    kept = {"about": about, "machine": Machine.here().line(), "figures": [asdict(figure) for figure in figures]}
    folder = FOLDER / "results"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    tables = [_table(path) for path in sorted(folder.glob("*.json"))]
    (FOLDER / "RESULTS.md").write_text("\n".join([HEAD, *tables]), encoding="utf-8")


def show_in(page: Path, name: str) -> None:
    """Put the table of one measurement into a page, between `<!-- figures: NAME -->` and `<!-- end of figures -->`."""
    begin, end = f"<!-- figures: {name} -->\n", "<!-- end of figures -->"
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    kept = _read(FOLDER / "results" / f"{name}.json")
    shown = f"{kept['about']} {kept['machine']}.\n\n{_rows(kept)}"
    page.write_text(f"{before}{begin}\n{shown}\n{end}{after}", encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def _rows(kept: dict[str, Any]) -> str:
    rows = [Figure(**figure).row() for figure in kept["figures"]]
    return "| what | measured | target | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _table(path: Path) -> str:
    kept = _read(path)
    return f"## {path.stem}\n\n{kept['about']}\n\n{kept['machine']}.\n\n{_rows(kept)}"
