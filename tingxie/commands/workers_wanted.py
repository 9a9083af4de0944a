"""`tingxie workers-wanted`: how many transcribe workers the backlog wants."""

import re
from typing import Annotated

import typer

from tingxie.client import Client
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, Key, Server

_UNITS_S = {"s": 1, "m": 60, "h": 3600}

Target = Annotated[str, typer.Option("--target", help="The time in which the backlog is to be done: 90s, 5m, 2h.")]
Model = Annotated[str, typer.Option("--model", help="Only this model's; all together by default.")]


def workers_wanted(*, target: Target = "5m", model: Model = "", server: Server = SERVER, key: Key = NO_KEY) -> None:
    """Print how many workers end what waits in the target time: backlog ÷ (speed of one × target), rounded up."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", target)
    if not found or not (target_s := float(found[1]) * _UNITS_S[found[2]]):
        raise typer.BadParameter("a time such as 90s, 5m or 2h is wanted", param_hint="--target")
    with errors_as_status(), Client(server, api_key=key) as client:
        wanted = client.service_status(target_s=target_s, model=model)["workers_wanted"]
    typer.echo(wanted)
