"""The options that several commands share, so that they read the same everywhere."""

from typing import Annotated

import typer

from tingxie.connection import DEFAULT_SERVER

Server = Annotated[str, typer.Option("--server", envvar="TINGXIE_URL", help="Address of the service.")]
Key = Annotated[str, typer.Option("--key", envvar="TINGXIE_API_KEY", help="Your API key, where the service wants one.")]
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's JSON.")]
Model = Annotated[str | None, typer.Option("--model", help="Model id; the server's by default.")]
Language = Annotated[str | None, typer.Option("--language", help="Language of the speech, for models that ask.")]
AtOnce = Annotated[int, typer.Option("--at-once", min=1, max=64, help="Files in hand at the same time.")]

SERVER = DEFAULT_SERVER
NO_KEY = ""
