"""`python -m bench.run [name…]`: measures and writes bench/RESULTS.md; exit status 1 where a target is missed."""

import sys

from bench import accuracy, article, report

#: quick enough for `make bench`: at most 15 minutes on two cores together
BENCHES = {"accuracy": accuracy, "article": article}


def main(names: list[str]) -> int:
    missed = 0
    for name in names or BENCHES:
        figures = BENCHES[name].measure()
        report.keep(name, BENCHES[name].__doc__ or "", figures)
        for figure in figures:
            print(f"{name}: {figure.row()}", flush=True)
        missed += sum(figure.is_missed for figure in figures)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
