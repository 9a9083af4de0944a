"""What `make bench` prints and keeps: targets met and missed, what wasn't measured, earlier runs, plots, its budget."""

import ast
from pathlib import Path

import pytest

from bench import history, kept, plots, report, run
from bench.figure import Figure
from bench.kept import Measurement, Run
from bench.machine import Machine
from bench.programs import BUDGET_S, PROGRAMS, Program

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("figure", "row"),
    [
        (Figure("speed", 12.0, "x", "≥ 10"), "| speed | 12.00 x | ≥ 10 | met |"),
        (Figure("speed", 9.0, "x", "≥ 10"), "| speed | 9.00 x | ≥ 10 | **missed** |"),
        (Figure("speed", None, "x", "≥ 6,500"), "| speed | not measured | ≥ 6,500 |  |"),
        (Figure("jobs", 1000, ""), "| jobs | 1,000 |  |  |"),
    ],
)
def test_a_row_says_whether_its_target_is_met(figure: Figure, row: str) -> None:
    assert figure.row() == row


def test_every_program_exists_and_all_of_make_bench_fits_its_budget() -> None:
    for program in PROGRAMS:
        tree = ast.parse((ROOT / f"{program.module.replace('.', '/')}.py").read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert program.function in functions, program
    assert sum(program.budget_s for program in PROGRAMS if not program.is_long) <= BUDGET_S


def test_the_page_is_made_of_the_kept_results() -> None:
    assert report.page() == report.PAGE.read_text()


def machine(commit: str, processor: str = "Z") -> Machine:
    return Machine(processor, cores=2, flags="avx2", memory_gb=8, python="3.12.0", commit=commit, date="2026-11-25")


def test_history_keeps_the_last_runs_of_figures_with_a_target(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for number in range(history.KEPT + 2):
        figures = [Figure("one device", number, "/s"), Figure("… efficiency", 90 + number, "%", "≥ 95")]
        history.add("scaling", machine(f"c{number}"), figures, path)
    again = [Figure("again", 1.5, "", "≥ 1")]
    history.add("scaling", machine(f"c{number}"), again, path)
    history.add("gpu", machine("c9"), [Figure("speed", None, "×", "≥ 6500")], path)
    runs = history.read(path)
    assert [each["commit"] for each in runs] == [f"c{number}" for number in range(2, history.KEPT + 2)]
    assert runs[0]["figures"] == {"one device … efficiency": 92}
    history.add("scaling", machine(f"c{number}", processor="Y"), again, path)
    assert "| scaling | again | Z | 1.5 (c7) |" in history.section(path)
    assert "| scaling | again | Y | 1.5 (c7) |" in history.section(path)


def test_a_run_takes_the_place_of_the_last_on_such_a_machine_only(tmp_path: Path) -> None:
    for commit, processor in (("c1", "Y"), ("c2", "Z"), ("c3", "Z"), ("c4", "Y"), ("c5", "Z")):
        here = machine(commit, processor)
        found = Run(here.line(), here.kind(), 1.0, [Figure("speed", 9.0, "×", "≥ 10", curve="it", at=2.0)])
        kept.add("usual", "About it.", found, tmp_path)
    read = Measurement.read(kept.path("usual", tmp_path))
    assert [run.machine.split(",")[1] for run in read.runs] == [" commit c5", " commit c4"]
    assert (read.runs[0], read.about) == (found, "About it.")


def test_a_plot_is_drawn_from_the_figures(tmp_path: Path) -> None:
    figures = [Figure(f"{n} devices", 6.0 * n, "/s", curve="measured", at=n) for n in (1, 2, 4)]
    plots.draw("scaling", figures, "a machine", tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")


def test_a_program_that_breaks_takes_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written: list[str] = []
    monkeypatch.setattr(run, "PROGRAMS", (Program("broken", "bench.nowhere:f", 1), Program("fine", "bench.fine:f", 1)))
    monkeypatch.setattr(Program, "measure", lambda self: [Figure("x", 1, "", "≥ 2")] if self.name == "fine" else 1 / 0)
    monkeypatch.setattr(Program, "about", lambda _: "")
    monkeypatch.setattr(report, "keep", lambda name, *_args, **_seconds: written.append(name))
    assert run.main([]) == 1
    assert written == ["fine"]
    said = capsys.readouterr().out
    assert "FAILED: ZeroDivisionError" in said
    assert "1 missed" in said
    assert run.main(["misspelt"]) == 2
