"""`tingxie join`."""

from typing import Annotated

import typer

from tingxie.commands.up import DEFAULT_DATA, Data, Verbose, Workers
from tingxie.console import errors_as_status

Url = Annotated[
    str, typer.Argument(metavar="URL", help="Address of the front end, which `tingxie up --listen` prints.")
]
Model = Annotated[str, typer.Option("--model", help="Hub id or folder of the model; that of the service by default.")]


def join(
    url: Url,
    *,
    workers: Workers = 1,
    model: Model = "",
    data: Data = DEFAULT_DATA,
    verbose: Verbose = False,
) -> None:
    """Work for a service on another machine until Ctrl-C: workers that prepare and transcribe.

    `tingxie up --listen ADDRESS` prints the command, with the token in TINGXIE_WORKER_TOKEN. Prints `joined http://…`
    once its workers take work. Exit status: 0 stopped on request, 1 can't go on, 3 nobody answers, 78 refused.
    """
    from tingxie.join import JoinOptions  # noqa: PLC0415 (the other commands start faster without the supervisor)
    from tingxie.join import join as run  # noqa: PLC0415

    with errors_as_status():
        run(JoinOptions(url=url, workers=workers, model=model, data=data, verbose=verbose))
