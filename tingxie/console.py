"""Where the command line writes: results on stdout as plain text, everything else on stderr.

Neither carries colour codes where it isn't a terminal (rich sees to that, and to NO_COLOR).
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from tingxie.errors import TingxieClientError

#: columns of a log or a pipe: a table isn't folded there, so that paths stay whole
_WIDE = 300


def stderr() -> Console:
    """A console for progress, tables of failures and remarks."""
    return Console(stderr=True, highlight=False, width=None if sys.stderr.isatty() else _WIDE)


def say_error(error: TingxieClientError) -> None:
    """One line: what happened, then what to do."""
    remedy = f". {error.remedy}" if error.remedy else ""
    typer.echo(f"tingxie: {str(error).rstrip('.')}{remedy}", err=True)


@contextmanager
def errors_as_status() -> Iterator[None]:
    """Turns an error of ours into its line on stderr and its exit status."""
    try:
        yield
    except TingxieClientError as error:
        say_error(error)
        raise typer.Exit(error.exit_status) from error


def each(job_ids: Iterable[str], action: Callable[[str], object]) -> None:
    """Do it for every job, whatever becomes of the others; then leave with the first failure's exit status."""
    failed: list[TingxieClientError] = []
    for job_id in job_ids:
        try:
            action(job_id)
        except TingxieClientError as error:
            say_error(error)
            failed.append(error)
    if failed:
        raise typer.Exit(failed[0].exit_status) from failed[0]
