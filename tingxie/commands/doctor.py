"""`tingxie doctor`."""

from collections.abc import Iterable

import typer

from tingxie.client import Client
from tingxie.commands.up import DEFAULT_DATA, Data
from tingxie.errors import ServerUnreachable
from tingxie.exits import Exit
from tingxie.options import NO_KEY, SERVER, Key, Server


def doctor(*, server: Server = SERVER, key: Key = NO_KEY, data: Data = DEFAULT_DATA) -> None:
    """Look at a running service, or at this machine where none runs; one line each, marked ok, warn or fail.

    Exit status: 0 nothing failed, 1 something did, 3 no service runs at the address.
    """
    from tingxie.doctor import Finding, Mark, of_machine, of_server  # noqa: PLC0415 (the other commands don't need it)

    def say(findings: Iterable[Finding]) -> bool:
        failed = False
        for finding in findings:
            typer.echo(f"{finding.mark:<5}{finding.name}: {finding.detail}")
            failed |= finding.mark is Mark.FAIL
        return failed

    with Client(server, api_key=key, timeout_s=10.0) as client:
        try:
            readiness = client.readiness()
        except ServerUnreachable as error:
            say([Finding(Mark.FAIL, "server", f"{error}. {error.remedy}")])
            say(of_machine(data))
            raise typer.Exit(Exit.UNREACHABLE) from error
    failed = say([Finding(Mark.OK, "server", server), *of_server(readiness)])
    raise typer.Exit(Exit.SOME_FAILED if failed else Exit.OK)
