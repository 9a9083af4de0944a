"""`tingxie erase`: everything of one person or one case, deleted for good."""

from typing import Annotated

import typer

from tingxie.client import Client
from tingxie.commands.status import line
from tingxie.console import each, errors_as_status
from tingxie.options import NO_KEY, SERVER, Key, Server

Owner = Annotated[str, typer.Option("--owner", help="Of this owner: a key's owner, as `tingxie keys list` shows it.")]
Notes = Annotated[
    list[str] | None, typer.Option("--metadata", metavar="NAME=TEXT", help="Only with this note; repeat for several.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Delete; without it the jobs are only listed.")]


def erase(
    *, owner: Owner = "", metadata: Notes = None, yes: Yes = False, server: Server = SERVER, key: Key = NO_KEY
) -> None:
    """Delete all jobs of an owner, or with a note, with their audio and transcripts; list them without --yes.

    Another owner's jobs want a key with the scope admin. Exit status: 1 some could not be deleted.
    """
    notes = dict(_note(text) for text in metadata or [])
    if not owner and not notes:
        raise typer.BadParameter("--owner or --metadata says whose data is to go")
    with errors_as_status(), Client(server, api_key=key) as client:
        # All of them before the first goes: a cursor into a list that shrinks would skip some.
        found = list(client.each_job(owner=owner, metadata=notes))
        for job in found:
            typer.echo(line(job))
        if yes:
            each([job.id for job in found], client.delete)
    what = "deleted" if yes else "would be deleted; repeat with --yes"
    typer.echo(f"{len(found)} jobs {what}", err=True)


def _note(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise typer.BadParameter("NAME=TEXT is wanted", param_hint="--metadata")
    return name, value
