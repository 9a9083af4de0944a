"""`tingxie recover`: the ledger rebuilt from the store, after Redis lost its data."""

import json
from dataclasses import dataclass
from typing import Annotated

import structlog
import typer
from pydantic import ValidationError

from jobs import batches
from jobs.broker import Hinter, make_celery
from jobs.commands import errors_told, read_settings
from jobs.errors import NewerVersion, ObjectMissing
from jobs.job import JobRequest
from jobs.ledger import Caps, Ledger
from jobs.logs import configure_logs
from jobs.store import AudioStore, layout, open_store
from jobs.transcript import Transcript

log = structlog.get_logger()

app = typer.Typer(help="Rebuild the ledger from the store after Redis lost its data.")

RECORD = "/job.json"


@dataclass(slots=True)
class Counts:
    """restored: have a transcript. entered: will be transcribed anew, fetched first if need be. known: the ledger had
    them.

    skipped: nothing can be done for them: neither transcript nor audio, or a job.json that can't be read, or one that a
    newer version wrote: recover with that one.
    """

    restored: int = 0
    entered: int = 0
    known: int = 0
    skipped: int = 0
    #: manifests; what of them wasn't a job yet becomes one
    batches: int = 0


@app.callback(invoke_without_command=True)
def recover(
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Enter every job of the store that the ledger doesn't know; safe to repeat, and while the service runs."""
    with errors_told("recover"):
        settings = read_settings()
        configure_logs(settings)
        counts = rebuild(Ledger.connect(settings), open_store(settings.store))
    if counts.entered:
        Hinter(make_celery(settings)).cpu()
    found = {name: getattr(counts, name) for name in Counts.__slots__}
    typer.echo(json.dumps(found) if as_json else ", ".join(f"{count} {name}" for name, count in found.items()))


def rebuild(ledger: Ledger, store: AudioStore) -> Counts:
    """Raises LedgerUnavailable or StoreUnavailable; what was entered by then stays entered.

    A job that had failed is tried again, and one that was cancelled runs: only Redis knew. A deleted one stays
    deleted, its job.json is gone.
    """
    counts = Counts()
    for found in list(store.list("jobs/")):
        if found.name.endswith(RECORD):
            _enter(ledger, store, found.name, counts)
    # After the jobs: a front end that goes on entering a batch takes those that are known for made.
    counts.batches = batches.restore(ledger, store)
    return counts


def _enter(ledger: Ledger, store: AudioStore, record: str, counts: Counts) -> None:
    try:
        request = JobRequest.read(store.read(record))
    except NewerVersion as error:
        log.warning("recover.of_newer_version", object=record, detail=error.detail)
        counts.skipped += 1
        return
    except (ObjectMissing, ValueError) as error:
        log.warning("recover.unreadable", object=record, error=str(error))
        counts.skipped += 1
        return
    transcript = _transcript(store, request.id)
    if transcript is not None:
        written_at = store.info(layout.transcript(request.id)).modified_at
        is_new = ledger.restore_succeeded(
            request,
            revision=transcript.revision,
            dtype="",
            duration_s=transcript.duration_s,
            finished_at=written_at,
        )
        counts.restored += is_new
    elif request.source_url or store.exists(layout.audio(request.id)):
        is_new = ledger.create(request, caps=Caps()).is_new  # it was accepted before
        counts.entered += is_new
    else:
        counts.skipped += 1
        return
    counts.known += not is_new


def _transcript(store: AudioStore, job_id: str) -> Transcript | None:
    """The job's transcript, if it has one; one that can't be read is written anew."""
    try:
        return Transcript.model_validate_json(store.read(layout.transcript(job_id)))
    except ObjectMissing:
        return None
    except ValidationError as error:
        log.warning("recover.unreadable", object=layout.transcript(job_id), error=str(error))
        return None
