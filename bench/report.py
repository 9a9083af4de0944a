"""bench/RESULTS.md: made anew from the figures kept in bench/results/*.json; no figure is typed by hand."""

from dataclasses import replace
from pathlib import Path

from bench import history, kept, plots
from bench.figure import Figure
from bench.kept import Measurement, Run
from bench.machine import Machine

FOLDER = Path(__file__).parent
PAGE = FOLDER / "RESULTS.md"
HEAD = """# Results

Made by `make bench` (`BENCH=name` for one) and `make bench-full` from the JSON in `results/`. Each table names the
commit, machine and date of its run; a missed target is printed as missed. Where a measurement ran on machines of other
kinds too, the figures with a target that it last had there follow. Earlier runs: [at the end](#earlier-runs).
"""


def keep(name: str, about: str, figures: list[Figure], *, seconds: float | None = None) -> None:
    """Keep one measurement's figures in place of its last ones on such a machine; write its plot and the page anew."""
    machine = Machine.here()
    kept.add(name, about, Run(machine.line(), machine.kind(), seconds, figures))
    history.add(name, machine, figures)
    plots.draw(name, figures, machine.line())
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    """The whole of RESULTS.md."""
    tables = [_table(path) for path in sorted(kept.FOLDER.glob("*.json"))]
    return "\n".join([HEAD, *tables, history.section()])


def show_in(target: Path, name: str) -> None:
    """Put the table of one measurement into a page, between `<!-- figures: NAME -->` and `<!-- end of figures -->`."""
    begin, end = f"<!-- figures: {name} -->\n", "<!-- end of figures -->"
    before, _, rest = target.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    measured = Measurement.read(kept.path(name))
    newest = measured.runs[0]
    shown = f"{measured.about} {newest.machine}.\n\n{_rows(newest.figures)}"
    target.write_text(f"{before}{begin}\n{shown}\n{end}{after}", encoding="utf-8")


def _rows(figures: list[Figure]) -> str:
    return "| what | measured | target | |\n|---|---|---|---|\n" + "".join(f"{each.row()}\n" for each in figures)


def _table(path: Path) -> str:
    measured = Measurement.read(path)
    newest, *others = measured.runs
    plot = plots.path(path.stem)
    shown = f"\n![{plots.PLOTS[path.stem].title}]({plot.relative_to(FOLDER)})\n" if plot.exists() else ""
    elsewhere = "".join(map(_aims, others))
    return (
        f"## {path.stem}\n\n{measured.about.strip()}\n\n{newest.machine}.\n\n{_rows(newest.figures)}{shown}{elsewhere}"
    )


def _aims(run: Run) -> str:
    """Only the figures that have a target, by their full names."""
    aims = [replace(figure, what=full) for full, figure in history.named(run.figures) if figure.target]
    return f"\n{run.machine}.\n\n{_rows(aims)}" if aims else ""
