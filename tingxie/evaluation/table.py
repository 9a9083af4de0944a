"""An evaluation for people: tables on the terminal."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from tingxie.evaluation.evaluation import Evaluation
from tingxie.evaluation.rates import Rate


def tables(evaluation: Evaluation) -> Iterator[Table]:
    yield _rates(evaluation)
    if evaluation.substitutions:
        yield _filled(
            "heard instead of",
            ("said", "heard", "times"),
            [(*pair, str(count)) for *pair, count in evaluation.substitutions],
        )
    if evaluation.worst:
        rows = [
            (each.heard.name, f"{each.error_rate:.1%}", each.heard.reference, each.heard.text)
            for each in evaluation.worst
        ]
        yield _filled("worst files", ("file", "CER", "said", "heard"), rows)
    if evaluation.failed:
        yield _filled("without a transcript", ("file", "why"), list(evaluation.failed.items()))


def _rates(evaluation: Evaluation) -> Table:
    rows = [(name, *_spelled(found)) for name, found in evaluation.rates.items()]
    return _filled(f"{len(evaluation.judged)} recordings", ("rate", "value", "95 % interval", "errors", "of"), rows)


def _spelled(found: Rate | None) -> tuple[str, str, str, str]:
    if found is None:
        return ("", "", "", "0")
    return f"{found.value:.2%}", f"{found.low:.2%} to {found.high:.2%}", str(found.errors), str(found.length)


def _filled(title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
