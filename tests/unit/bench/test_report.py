"""What `make bench` prints and keeps: targets met and missed, what wasn't measured, earlier runs, plots, its budget."""

import ast
from dataclasses import asdict
from pathlib import Path

import pytest

from bench import history, plots, report, run
from bench.figure import Figure
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


def test_history_keeps_the_last_runs_of_figures_with_a_target(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    for number in range(history.KEPT + 2):
        figures = [Figure("one device", number, "/s"), Figure("… efficiency", 90 + number, "%", "≥ 95")]
        history.add("scaling", f"c{number}", "2026-11-25", figures, path)
    history.add("scaling", f"c{number}", "2026-11-25", [Figure("again", 1.5, "", "≥ 1")], path)
    history.add("gpu", "c9", "2026-11-25", [Figure("speed", None, "×", "≥ 6500")], path)
    runs = history.read(path)
    assert [each["commit"] for each in runs] == [f"c{number}" for number in range(2, history.KEPT + 2)]
    assert runs[0]["figures"] == {"one device … efficiency": 92}
    assert "| scaling | again | 1.5 (c7) |" in history.section(path)


def test_a_plot_is_drawn_from_the_figures(tmp_path: Path) -> None:
    figures = [Figure(f"{n} devices", 6.0 * n, "/s", curve="measured", at=n) for n in (1, 2, 4)]
    plots.draw("scaling", figures, "a machine", tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").read_bytes().startswith(b"\x89PNG")
    assert report.figures_of({"figures": [asdict(each) | {"missed": False} for each in figures]}) == figures


def test_a_program_that_breaks_takes_nothing_from_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept: list[str] = []
    monkeypatch.setattr(run, "PROGRAMS", (Program("broken", "bench.nowhere:f", 1), Program("fine", "bench.fine:f", 1)))
    monkeypatch.setattr(Program, "measure", lambda self: [Figure("x", 1, "", "≥ 2")] if self.name == "fine" else 1 / 0)
    monkeypatch.setattr(Program, "about", lambda _: "")
    monkeypatch.setattr(report, "keep", lambda name, *_args, **_seconds: kept.append(name))
    assert run.main([]) == 1
    assert kept == ["fine"]
    said = capsys.readouterr().out
    assert "FAILED: ZeroDivisionError" in said
    assert "1 missed" in said
    assert run.main(["misspelt"]) == 2
