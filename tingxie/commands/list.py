"""`tingxie list`: the newest jobs."""

import json
from itertools import islice
from typing import Annotated

import typer

from tingxie.calls import MOST_JOBS
from tingxie.client import Client
from tingxie.commands.status import line
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, AsJson, Key, Server

State = Annotated[str, typer.Option("--state", help="Only jobs in this state: queued, running, succeeded, …")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many jobs.")]


def list_jobs(
    *, state: State = "", limit: Limit = 50, as_json: AsJson = False, server: Server = SERVER, key: Key = NO_KEY
) -> None:
    """List jobs, newest first, one line each as `tingxie status` prints them."""
    with errors_as_status(), Client(server, api_key=key) as client:
        for job in islice(client.each_job(state=state, at_a_time=min(limit, MOST_JOBS)), limit):
            typer.echo(json.dumps(job.raw, ensure_ascii=False) if as_json else line(job))
