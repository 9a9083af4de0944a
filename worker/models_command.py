"""`tingxie models`: which models the ledger knows, and whether one can be served by this machine."""

from typing import Annotated

import typer

from jobs.errors import TingxieError
from jobs.ledger import Ledger
from jobs.logs import configure_logs
from jobs.settings import Settings

app = typer.Typer(help="Look at models.", no_args_is_help=True)


@app.command("list")
def list_models() -> None:
    """List the models that workers have served, those with live workers first."""
    try:
        known = Ledger.connect(Settings()).models()
    except TingxieError as error:
        typer.echo(f"tingxie models: {error.detail}. {error.remedy}", err=True)
        raise typer.Exit(1) from error
    for spec, live in sorted(known, key=lambda entry: (-entry[1], entry[0].model)):
        typer.echo(f"{spec.model}  revision {spec.revision[:12]}  {spec.dtype}  {live} live workers")


@app.command()
def verify(
    model: Annotated[str | None, typer.Argument(help="Hub id or local folder; the settings' model by default.")] = None,
) -> None:
    """Load a model and probe it as a transcribe worker does, then say what it is."""
    from worker.model import load_model  # noqa: PLC0415 (torch)

    settings = Settings(model=model) if model else Settings()
    configure_logs(settings)
    try:
        spec = load_model(settings).spec
    except TingxieError as error:
        typer.echo(f"tingxie models: {error.detail}. {error.remedy}", err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{spec.model} can be served: {spec.family}, revision {spec.revision[:12]}, {spec.dtype}, "
        f"{spec.sampling_rate_hz} Hz, language {spec.language or 'not stated'}"
    )
