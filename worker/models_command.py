"""`tingxie models`: fetch a model, list those that the ledger knows, and see whether this machine can serve one."""

from typing import Annotated

import typer

from jobs.commands import errors_told, read_settings
from jobs.ledger import Ledger
from jobs.logs import configure_logs

app = typer.Typer(help="Fetch models and look at them.", no_args_is_help=True)

ModelArgument = Annotated[str | None, typer.Argument(help="Hub id or local folder; the settings' model by default.")]
RevisionOption = Annotated[str | None, typer.Option(help="Branch, tag or commit; the settings' by default.")]


@app.command("list")
def list_models() -> None:
    """List the models that workers have served, those with live workers first."""
    with errors_told("models"):
        known = Ledger.connect(read_settings()).models()
    for spec, live in sorted(known, key=lambda entry: (-entry[1], entry[0].model)):
        typer.echo(f"{spec.model}  revision {spec.revision[:12]}  {spec.dtype}  {live} live workers")


@app.command()
def pull(model: ModelArgument = None, revision: RevisionOption = None) -> None:
    """Fetch a model from the Hub into its cache (HF_HOME), so that workers start from there, also without a network."""
    from worker.model_folder import find_model  # noqa: PLC0415 (the Hub's client)

    with errors_told("models"):
        settings = read_settings(model=model, revision=revision)
        configure_logs(settings)
        found = find_model(settings)
    typer.echo(f"{found.name}  revision {found.revision}  {found.weight_bytes / 1e6:,.0f} MB  {found.folder}")


@app.command()
def verify(model: ModelArgument = None, revision: RevisionOption = None) -> None:
    """Load a model and probe it as a transcribe worker does, then say what it is."""
    from worker.model import load_model  # noqa: PLC0415 (torch)

    with errors_told("models"):
        settings = read_settings(model=model, revision=revision)
        configure_logs(settings)
        spec = load_model(settings).spec
    typer.echo(
        f"{spec.model} can be served: {spec.family}, revision {spec.revision[:12]}, {spec.dtype}, "
        f"{spec.sampling_rate_hz} Hz, language {spec.language or 'not stated'}"
    )
