"""`tingxie up`."""

from pathlib import Path
from typing import Annotated

import typer

from tingxie.console import errors_as_status
from tingxie.stack import BUNDLED_MODEL

DEFAULT_DATA = Path("~/.local/share/tingxie")

Port = Annotated[int, typer.Option("--port", envvar="TINGXIE_PORT", min=0, max=65535, help="Port; 0 picks a free one.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Transcribe workers; they share this machine's cores.")]
Model = Annotated[str, typer.Option("--model", envvar="TINGXIE_MODEL", help="Hub id or folder of the model.")]
Data = Annotated[Path, typer.Option("--data", envvar="TINGXIE_DATA_DIR", help="Folder for Redis, audio and logs.")]
Listen = Annotated[
    str, typer.Option("--listen", metavar="ADDRESS[:PORT]", help="Let other machines' workers join at this address.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Show all that the processes log, not only warnings.")]


def up(
    *,
    port: Port = 8000,
    workers: Workers = 1,
    model: Model = BUNDLED_MODEL,
    data: Data = DEFAULT_DATA,
    listen: Listen = "",
    verbose: Verbose = False,
) -> None:
    """Run the whole service on this machine until Ctrl-C: Redis, front end and workers.

    Prints `ready http://…` once it takes jobs. Without --model it serves the bundled model, which understands only
    its toy language. Uses the Redis of TINGXIE_REDIS_URL, else starts one of its own. With --listen it also prints the
    command by which another machine's workers join. Ctrl-C ends the batch in hand first, a second one stops at once.
    Exit status: 0 stopped on request, 1 can't start or go on, 2 usage.
    """
    from tingxie.up import UpOptions  # noqa: PLC0415 (the other commands start faster without the supervisor)
    from tingxie.up import up as run  # noqa: PLC0415

    with errors_as_status():
        run(UpOptions(port=port, workers=workers, model=model, data=data, verbose=verbose, listen=listen))
