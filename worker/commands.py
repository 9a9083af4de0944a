"""`tingxie worker transcribe|prepare`: the workers' commands."""

import platform
from collections.abc import Callable
from typing import Annotated, Any

import typer

from jobs.commands import EX_AWAY, EX_CONFIG, errors_told, read_settings
from jobs.logs import configure_logs
from jobs.settings import Settings
from worker.crew import ALL_DEVICES, own_command, plan_crew, run_crew, served_models

app = typer.Typer(help="Run a worker: transcribe or prepare.", no_args_is_help=True)


@app.command()
def transcribe(
    model: Annotated[
        list[str] | None, typer.Option(help="Hub id or local folder, NAME@REVISION for a revision; repeat for several.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, or all: a process on each GPU.")] = None,
    dtype: Annotated[str | None, typer.Option(help="auto, float32, bfloat16, float16 or int8.")] = None,
    threads: Annotated[int | None, typer.Option(help="Threads that load, run and commit.")] = None,
) -> None:
    """Run models over windows, in the foreground; SIGTERM ends the batches in hand and hands back the rest."""
    models = ",".join(model) if model else None
    _run("transcribe", {"models": models, "device": device, "dtype": dtype, "transcribe_threads": threads}, _transcribe)


def _transcribe(settings: Settings) -> int:
    """One model on one device in this process, several in a process each."""
    models = served_models(settings)
    if len(models) > 1 or settings.device == ALL_DEVICES:
        configure_logs(settings)
        return run_crew(plan_crew(settings, _count_devices), own_command())
    # torch and transformers take seconds and hundreds of megabytes: only this command needs them.
    from worker.model import load_model  # noqa: PLC0415
    from worker.transcribe_process import run_transcribe  # noqa: PLC0415

    ((name, revision),) = models
    return run_transcribe(settings.model_copy(update={"model": name, "revision": revision}), load_model)


def _count_devices() -> int:
    import torch  # noqa: PLC0415

    return torch.cuda.device_count()


@app.command()
def prepare(
    processes: Annotated[int | None, typer.Option(help="Child processes.")] = None,
) -> None:
    """Decode and cut audio, and write transcripts, in the foreground; SIGTERM hands back what is in hand."""
    from worker.prepare_process import run_prepare  # noqa: PLC0415

    _run("prepare", {"prepare_processes": processes}, run_prepare)


@app.command()
def check() -> None:
    """Tell whether a worker of this machine is alive, by its name in the ledger: a container's health check."""
    from jobs.ledger import Ledger  # noqa: PLC0415

    here = platform.node()
    with errors_told("worker check"):
        alive = [worker.incarnation for worker in Ledger.connect(read_settings()).workers() if worker.host == here]
    typer.echo("\n".join(alive) or f"no worker of {here} is alive")
    raise typer.Exit(0 if alive else 1)


def _run(name: str, chosen: dict[str, Any], run: Callable[[Settings], int]) -> None:
    from worker.program import end  # noqa: PLC0415 (Celery's worker machinery)

    with errors_told(f"worker {name}", status=EX_CONFIG, away=EX_AWAY):
        status = run(read_settings(**chosen))
    end(status)
