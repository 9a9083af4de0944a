"""Plots of the figures that are points of a curve: bench/plots/NAME.png, beside the table of the same run."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from bench.figure import Figure

FOLDER = Path(__file__).parent / "plots"
#: of a PNG that a page shows at its own size
DPI, SIZE_INCHES = 100, (8.0, 4.5)


@dataclass(frozen=True, slots=True)
class Plot:
    """ideal: also draw the straight line through the first point and nothing. log_y: for latencies."""

    title: str
    x: str
    y: str
    ideal: bool = False
    log_y: bool = False


_SPEED = Plot("Speed against workers", "simulated devices", "windows a second", ideal=True)
PLOTS = {
    "load": Plot("Latency under load", "clients at once", "milliseconds", log_y=True),
    "scaling": _SPEED,
    "scaling-ten-hours": _SPEED,
}


def path(name: str) -> Path:
    return FOLDER / f"{name}.png"


def draw(name: str, figures: list[Figure], machine: str, to: Path | None = None) -> None:
    """Nothing where there is no plot of that name, or no curve in its figures."""
    curves: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for figure in figures:
        if figure.curve and figure.at is not None and figure.value is not None:
            curves[figure.curve].append((figure.at, figure.value))
    if name in PLOTS and curves:
        target = to or path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _draw(PLOTS[name], {curve: sorted(points) for curve, points in curves.items()}, machine, target)


def _draw(plot: Plot, curves: dict[str, list[tuple[float, float]]], machine: str, target: Path) -> None:
    import matplotlib as mpl  # noqa: PLC0415 (a second of import, for those that draw)
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415

    with mpl.rc_context({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False}):
        canvas = Canvas(figsize=SIZE_INCHES, layout="constrained")
        axes = canvas.add_subplot()
        for curve, points in curves.items():
            axes.plot(*zip(*points, strict=True), marker="o", label=curve)
        if plot.ideal:
            first_x, first_y = next(iter(curves.values()))[0]
            xs = [x for points in curves.values() for x, _ in points]
            axes.plot(xs, [x * first_y / first_x for x in xs], "--", color="grey", label="ideal", zorder=0)
        axes.set(title=plot.title, xlabel=plot.x, ylabel=plot.y, yscale="log" if plot.log_y else "linear")
        axes.set_xticks(sorted({x for points in curves.values() for x, _ in points}))
        axes.grid(visible=True, alpha=0.3)
        canvas.legend(loc="outside right center", frameon=False)
        canvas.supxlabel(machine, fontsize=6, color="grey")
        canvas.savefig(target, dpi=DPI, metadata={"Software": None})
