"""`tingxie status`: where jobs stand."""

import json
from typing import Annotated

import typer

from tingxie.client import Client
from tingxie.console import errors_as_status
from tingxie.options import NO_KEY, SERVER, AsJson, Key, Server
from tingxie.records import Job

JobIds = Annotated[list[str], typer.Argument(metavar="JOB…", help="Ids of jobs.")]


def status(jobs: JobIds, *, as_json: AsJson = False, server: Server = SERVER, key: Key = NO_KEY) -> None:
    """Tell where jobs stand, one line each: id, state, progress, and what comes next or went wrong."""
    with errors_as_status(), Client(server, api_key=key) as client:
        for job_id in jobs:
            job = client.status(job_id)
            typer.echo(json.dumps(job.raw, ensure_ascii=False) if as_json else line(job))


def line(job: Job) -> str:
    """One job in one line of tab-separated fields, for people and for `cut`."""
    return "\t".join([job.id, job.state, f"{job.progress:.0%}", remark(job), job.filename])


def remark(job: Job) -> str:
    """What a person wants to know beyond the state."""
    if job.problem:
        return job.problem.sentence
    if job.ended:
        return "; ".join(str(warning.get("title", "")) for warning in job.warnings)
    parts = [job.stage or ""]
    if job.queue_position:
        parts.append(f"{job.queue_position} ahead")
    if job.eta_s is not None:
        parts.append(f"about {job.eta_s:.0f} s left")
    return ", ".join(part for part in parts if part)
