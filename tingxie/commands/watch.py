"""`tingxie watch`: follow a job to its end."""

import typer

from tingxie.client import Client
from tingxie.commands.status import line
from tingxie.console import errors_as_status
from tingxie.errors import JobEndedBadly
from tingxie.options import NO_KEY, SERVER, JobId, Key, Server
from tingxie.progress import display


def watch(job: JobId, *, server: Server = SERVER, key: Key = NO_KEY) -> None:
    """Follow a job until it has ended, then print its line. Exit status: 0 succeeded, 1 failed, 4 no such job."""
    with errors_as_status(), Client(server, api_key=key) as client:
        first = client.status(job)
        with display(1) as show:
            file = show.file(first.filename or first.id)
            last = client.wait(job, on_change=file.transcribing)
            file.ended(last.state)
        typer.echo(line(last))
        if not last.succeeded:
            raise JobEndedBadly(last)
