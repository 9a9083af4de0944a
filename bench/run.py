"""`python -m bench.run [--full] [name…]`: measures, writes bench/RESULTS.md; exit status 1 where a target is missed."""

import sys
from collections.abc import Callable

from bench import (
    accuracy,
    article,
    confidence,
    connections,
    demo,
    fairness,
    ledger,
    overhead,
    polls,
    report,
    scaling,
    timestamps,
    upload,
)
from bench.figure import Figure

#: quick enough for `make bench`: at most 15 minutes on two cores together
BENCHES: dict[str, Callable[[], list[Figure]]] = {
    "accuracy": accuracy.measure,
    "article": article.measure,
    "confidence": confidence.measure,
    "connections": connections.measure,
    "demo": demo.measure,
    "overhead": overhead.measure,
    "polls": polls.measure,
    "ledger": ledger.measure,
    "scaling": scaling.measure,
}
#: `make bench-full` adds these
LONG: dict[str, Callable[[], list[Figure]]] = {
    "fairness": fairness.measure,
    "timestamps": timestamps.measure,
    "scaling-ten-hours": scaling.measure_ten_hours,
    "upload": upload.measure,
}


def main(arguments: list[str]) -> int:
    names = [argument for argument in arguments if argument != "--full"]
    missed = 0
    for name in names or [*BENCHES, *(LONG if "--full" in arguments else ())]:
        measure = (BENCHES | LONG)[name]
        figures = measure()
        report.keep(name, sys.modules[measure.__module__].__doc__ or "", figures)
        for figure in figures:
            print(f"{name}: {figure.row()}", flush=True)
        missed += sum(figure.is_missed for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
