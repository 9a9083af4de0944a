"""A figure: one measured number, beside its target."""

import operator
from dataclasses import dataclass

_HOLDS = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` reads like "≤ 1.5", in the figure's own unit; empty where there is none."""

    what: str
    value: float
    unit: str
    target: str = ""

    @property
    def is_missed(self) -> bool:
        if not self.target:
            return False
        sign, limit = self.target.split()
        return not _HOLDS[sign](self.value, float(limit))

    def row(self) -> str:
        """A line of a table in Markdown."""
        verdict = "" if not self.target else "**missed**" if self.is_missed else "met"
        shown = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:,.2f}"
        return f"| {self.what} | {shown} {self.unit} | {self.target} | {verdict} |"
