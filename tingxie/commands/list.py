"""`tingxie list`: the newest jobs."""

import json
from typing import Annotated

import typer

from tingxie.client import Client
from tingxie.commands.status import line
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, AsJson, Key, Server

#: the server gives at most this many jobs on a page
_PAGE = 200

State = Annotated[str, typer.Option("--state", help="Only jobs in this state: queued, running, succeeded, …")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="At most so many jobs.")]


def list_jobs(
    *, state: State = "", limit: Limit = 50, as_json: AsJson = False, server: Server = SERVER, key: Key = NO_KEY
) -> None:
    """List jobs, newest first, one line each as `tingxie status` prints them."""
    left, cursor = limit, ""
    with errors_as_status(), Client(server, api_key=key) as client:
        while left > 0:
            page = client.list(state=state, limit=min(left, _PAGE), cursor=cursor)
            for job in page.jobs:
                typer.echo(json.dumps(job.raw, ensure_ascii=False) if as_json else line(job))
            left, cursor = left - len(page.jobs), page.cursor
            if not cursor:
                break
