"""`python -m bench.run [--full] [name…]`: measures, writes bench/RESULTS.md; exit status 1 where a target is missed."""

import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from bench import report
from bench.programs import PROGRAMS, Program

DOCS = Path(__file__).parents[1] / "docs"


@dataclass(frozen=True, slots=True)
class Ran:
    program: Program
    seconds: float
    missed: int = 0
    unmeasured: int = 0
    #: why it has no figures
    error: str = ""

    def line(self) -> str:
        counts = [f"{self.missed} missed"] * bool(self.missed) + [f"{self.unmeasured} not measured"] * bool(
            self.unmeasured
        )
        said = self.error or ", ".join(counts) or "all targets met"
        late = "" if self.seconds <= self.program.budget_s else " OVER"
        return f"{self.program.name:20} {self.seconds:6.0f} s of {self.program.budget_s:.0f}{late}  {said}"


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--full"]
    if unknown := set(names) - {program.name for program in PROGRAMS}:
        print(f"no such measurement: {', '.join(sorted(unknown))}; see bench/programs.py", file=sys.stderr)
        return 2
    chosen = [
        program
        for program in PROGRAMS
        if (program.name in names if names else "--full" in arguments or not program.is_long)
    ]
    ran = [_run(program) for program in chosen]
    print("", *(each.line() for each in ran), sep="\n")
    print(f"{'in all':20} {sum(e.seconds for e in ran):6.0f} s of {sum(e.program.budget_s for e in ran):.0f}")
    return 1 if any(each.missed or each.error for each in ran) else 0


def _run(program: Program) -> Ran:
    """One that breaks takes nothing from the others; its last figures stay in the page, with their commit."""
    print(f"{program.name}: up to {program.budget_s:.0f} s", flush=True)
    began = time.monotonic()
    try:
        figures = program.measure()
    except Exception as error:  # noqa: BLE001
        traceback.print_exc()
        return Ran(program, time.monotonic() - began, error=f"FAILED: {error!r}")
    seconds = time.monotonic() - began
    report.keep(program.name, program.about(), figures, seconds=seconds)
    if program.page:
        report.show_in(DOCS / program.page, program.name)
    for figure in figures:
        print(f"{program.name}: {figure.row()}", flush=True)
    unmeasured = sum(figure.value is None for figure in figures)
    return Ran(program, seconds, sum(figure.is_missed for figure in figures), unmeasured)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
