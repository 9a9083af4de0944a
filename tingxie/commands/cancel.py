"""`tingxie cancel`: end jobs."""

import typer

from tingxie.client import Client
from tingxie.commands.status import JobIds, line
from tingxie.console import each
from tingxie.options import NO_KEY, SERVER, Key, Server


def cancel(jobs: JobIds, *, server: Server = SERVER, key: Key = NO_KEY) -> None:
    """Cancel jobs; one that has ended stays as it is. Prints a line each. Exit status: 4 no such job."""
    with Client(server, api_key=key) as client:
        each(jobs, lambda job_id: typer.echo(line(client.cancel(job_id))))
