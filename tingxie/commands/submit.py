"""`tingxie submit`: files and folders in, job ids or transcripts out."""

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table

from tingxie.batch import Batch, Ending, Outcome, Stop, exit_status
from tingxie.calls import Format
from tingxie.client import Client
from tingxie.console import errors_as_status, stderr
from tingxie.errors import InputMissing
from tingxie.exits import Exit
from tingxie.options import NO_KEY, SERVER, AtOnce, Key, Language, Model, Server
from tingxie.progress import Display, display
from tingxie.records import Job
from tingxie.results import ResultFolder
from tingxie.sources import Source, find_sources, is_url, url_sources
from tingxie.submit_options import SubmitOptions


class Form(StrEnum):
    TXT = "txt"
    JSON = "json"
    SRT = "srt"
    VTT = "vtt"
    TSV = "tsv"


class ChineseScript(StrEnum):
    S2T = "s2t"
    T2S = "t2s"
    TW = "tw"
    HK = "hk"


class Priority(StrEnum):
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


Paths = Annotated[
    list[str],
    typer.Argument(metavar="FILE|DIR|URL…", help="Audio files, folders of them, URLs that the server fetches."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait and print the transcript. Implied by --out.")]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="Write NAME.txt and NAME.srt here; rerun to go on.")
]
Forms = Annotated[list[Form] | None, typer.Option("--format", help="txt, json, srt, vtt or tsv; repeat for several.")]
Script = Annotated[ChineseScript | None, typer.Option("--script", help="Chinese script: s2t, t2s, tw or hk.")]
Split = Annotated[bool, typer.Option("--split-channels", help="Transcribe each channel by itself: one speaker each.")]
Skip = Annotated[bool, typer.Option("--skip-silence", help="Leave long silences out.")]
Urgency = Annotated[Priority | None, typer.Option("--priority", help="Share of the workers: high, normal or low.")]


def submit(
    paths: Paths,
    *,
    wait: Wait = False,
    out: Out = None,
    form: Forms = None,
    model: Model = None,
    language: Language = None,
    script: Script = None,
    split_channels: Split = False,
    skip_silence: Skip = False,
    priority: Urgency = None,
    at_once: AtOnce = 8,
    server: Server = SERVER,
    key: Key = NO_KEY,
) -> None:
    """Submit audio files, folders of them, or URLs.

    Prints one job id a file; with --wait the transcript; with --out writes files and prints their names.
    Progress and failures go to stderr. Exit status: 0 all done, 1 some failed, 2 usage, 3 server unreachable.
    """
    with errors_as_status():
        files = [Path(each) for each in paths if not is_url(each)]
        sources = [*find_sources(files), *url_sources([each for each in paths if is_url(each)])]
        if not sources:
            raise InputMissing("no audio files there", remedy="Name a file to send it whatever its extension.")
        forms = _formats(form, wait=wait, out=out)
        options = SubmitOptions(
            model=model,
            language=language,
            script=script.value if script is not None else None,
            channels="split" if split_channels else None,
            skip_silence=skip_silence or None,
            priority=_literal(priority),
        )
        folder = ResultFolder(out, forms) if out is not None else None
        waiting = [source for source in sources if folder is None or not folder.is_done(source)]
        stop = Stop()
        with Client(server, api_key=key, pause=stop.pause) as client:
            client.check_alive()
            deliver = _delivery(client, folder, forms[0], headed=len(sources) > 1) if wait or folder else None
            batch = Batch(client, options=options, deliver=deliver, at_once=at_once, stop=stop)
            with display(len(waiting)) as show:
                outcomes = _run(batch, waiting, show)
    _report(outcomes, skipped=len(sources) - len(waiting))
    raise typer.Exit(exit_status(outcomes))


def _run(batch: Batch, sources: Sequence[Source], show: Display) -> list[Outcome]:
    try:
        return batch.run(sources, show)
    except KeyboardInterrupt:
        stderr().print("stopped; jobs that were accepted go on at the service: see `tingxie list`", markup=False)
        raise typer.Exit(Exit.INTERRUPTED) from None


def _formats(chosen: Sequence[Form] | None, *, wait: bool, out: Path | None) -> list[Format]:
    """Raises typer.BadParameter where formats can't be told apart on stdout, or nothing would be printed."""
    if out is not None:
        return [form.value for form in dict.fromkeys(chosen or (Form.TXT, Form.SRT))]
    if chosen and not wait:
        raise typer.BadParameter("--format needs --wait or --out")
    if chosen and len(chosen) > 1:
        raise typer.BadParameter("several formats need --out DIR")
    return [(chosen or [Form.TXT])[0].value]


def _literal(priority: Priority | None) -> Literal["high", "normal", "low"] | None:
    return priority.value if priority is not None else None


def _delivery(
    client: Client, folder: ResultFolder | None, form: Format, *, headed: bool
) -> Callable[[Source, Job], None]:
    """What to do with a finished job: write its files, or print its transcript (under a heading where several are)."""

    def write(source: Source, job: Job) -> None:
        assert folder is not None  # noqa: S101 (chosen below)
        # The first format is written last: is_done looks at all of them, and a reader may look at the first alone.
        for wanted in reversed(folder.formats):
            folder.write(source, wanted, client.transcript_text(job.id, wanted))

    def show(source: Source, job: Job) -> None:
        text = client.transcript_text(job.id, form).rstrip("\n")
        heading = f"==> {source.path.name} <==\n" if headed else ""
        sys.stdout.write(f"{heading}{text}\n")
        sys.stdout.flush()

    return write if folder is not None else show


def _report(outcomes: Sequence[Outcome], *, skipped: int) -> None:
    for outcome in outcomes:
        if outcome.ending is Ending.SUBMITTED:
            typer.echo(outcome.job_id)
    console = stderr()
    failures = [outcome for outcome in outcomes if outcome.error is not None]
    if failures:
        table = Table(title=f"{len(failures)} failed", title_justify="left")
        for column in ("file", "job", "what happened", "what to do"):
            table.add_column(column, overflow="fold")
        for failure in failures:
            remedy = failure.error.remedy if failure.error else ""
            table.add_row(failure.source.label, failure.job_id, str(failure.error), remedy)
        console.print(table, markup=False)
    if skipped:
        console.print(f"{skipped} skipped: done before", markup=False)
