"""A figure: one measured number, beside its target."""

import operator
from dataclasses import dataclass

_HOLDS = {"≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True, slots=True)
class Figure:
    """`target` reads like "≤ 1.5", in the figure's own unit; empty where there is none.

    value: None is "not measured" (no GPU here). curve and at: the line of a plot that it is a point of, and where.
    """

    what: str
    value: float | None
    unit: str
    target: str = ""
    curve: str = ""
    at: float | None = None

    @property
    def is_missed(self) -> bool:
        if not self.target or self.value is None:
            return False
        sign, limit = self.target.split()
        return not _HOLDS[sign](self.value, float(limit.replace(",", "")))

    @property
    def verdict(self) -> str:
        if self.value is None or not self.target:
            return ""
        return "**missed**" if self.is_missed else "met"

    def shown(self) -> str:
        if self.value is None:
            return "not measured"
        number = f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:,.2f}"
        return f"{number} {self.unit}".rstrip()

    def row(self) -> str:
        """A line of a table in Markdown."""
        return f"| {self.what} | {self.shown()} | {self.target} | {self.verdict} |"
