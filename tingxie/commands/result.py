"""`tingxie result`: the transcript of a job."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tingxie.client import Client
from tingxie.commands.submit import Form
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, JobId, Key, Server
from tingxie.results import write_atomically

Chosen = Annotated[Form, typer.Option("--format", help="txt, json, srt, vtt or tsv.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of stdout.")]


def result(
    job: JobId, *, form: Chosen = Form.TXT, output: Output = None, server: Server = SERVER, key: Key = NO_KEY
) -> None:
    """Print a transcript. Exit status: 1 the job failed, 4 no such job, 5 it has not ended."""
    with errors_as_status(), Client(server, api_key=key) as client:
        text = client.transcript_text(job, form.value)
        if output is not None:
            write_atomically(output, text)
        else:
            sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
