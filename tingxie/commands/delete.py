"""`tingxie delete`: remove jobs with their audio and transcripts."""

from tingxie.client import Client
from tingxie.commands.status import JobIds
from tingxie.console import each
from tingxie.options import NO_KEY, SERVER, Key, Server


def delete(jobs: JobIds, *, server: Server = SERVER, key: Key = NO_KEY) -> None:
    """Delete jobs with their audio and transcripts, for good. Exit status: 4 no such job."""
    with Client(server, api_key=key) as client:
        each(jobs, client.delete)
