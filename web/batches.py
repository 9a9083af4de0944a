"""/v1/batches: many submissions in one manifest, one status over all of them, one export."""

from hashlib import sha256
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from pydantic_core import to_json

from jobs.batch import Batch, BatchItem, Counts, ItemState, Progress, item_job_id
from jobs.errors import BatchNotFound, StoreFull
from web import export
from web.answers import empty_answer, json_answer
from web.idempotency import idempotent, settle
from web.manifest import JSON_LINES, read_manifest
from web.openapi import BINARY, JSON, NUMBER, TEXT, answer, errors, takes
from web.schemas import (
    BatchesQuery,
    BatchPage,
    BatchQuery,
    BatchSubmission,
    BatchView,
    ExportQuery,
    ItemPage,
    ItemsQuery,
)
from web.services import current_owner, services

blueprint = APIBlueprint("batches", __name__, url_prefix="/v1/batches", tag="Batches")

#: what Retry-After advises: counts move by many jobs at a time
RETRY_S = 5


@blueprint.post("")
@idempotent(streamed=True)
@blueprint.input(BatchQuery, location="query")
@blueprint.doc(
    operation_id="createBatch",
    responses={
        202: answer("Accepted", {JSON: BatchView}, headers={"Location": TEXT, "Retry-After": NUMBER}),
        **errors(400, 413, 415, 422, 503, StoreFull),
    },
    extensions=takes({JSON: BatchSubmission, **dict.fromkeys(JSON_LINES, TEXT)}),
)
def create(query_data: BatchQuery) -> Response:
    """Submit many recordings at once

    An item is what `POST /v1/jobs` takes as JSON, with a `custom_id` of your own. As JSON, the manifest is refused as a
    whole where an item isn't valid; as JSON Lines, one item a line, a bad line is counted as `rejected`. The items
    become jobs in the background.
    """
    front = services()
    name, items = read_manifest(request, query_data.name, front.settings.max_batch_items)
    settle(name, sha256(to_json(items)).hexdigest())
    batch = front.batches.create(current_owner(), name, items)
    front.entering.set()
    document = _document(Progress(batch, "entering", 0, batch.refused))
    headers = {"Location": document["links"]["self"], "Retry-After": str(RETRY_S)}
    return json_answer(document, 202, headers)


@blueprint.get("")
@blueprint.input(BatchesQuery, location="query")
@blueprint.output(BatchPage)
@blueprint.doc(operation_id="listBatches", responses=errors(422, 503))
def list_batches(query_data: BatchesQuery) -> Response:
    """List your batches, newest first"""
    found = services().ledger.batches(current_owner(), limit=query_data.limit, before=query_data.cursor)
    cursor = f"{found[-1].created_at:.6f}" if len(found) == query_data.limit else None
    return json_answer({"batches": [_head(batch) for batch in found], "next_cursor": cursor})


@blueprint.get("/<batch_id>")
@blueprint.output(BatchView)
@blueprint.doc(operation_id="getBatch", responses=errors(503, BatchNotFound))
def get(batch_id: str) -> Response:
    """See how far a batch is"""
    document = _document(_visible(batch_id))
    headers = {} if document["state"] in ("ended", "cancelled") else {"Retry-After": str(RETRY_S)}
    return json_answer(document, headers=headers)


@blueprint.get("/<batch_id>/items")
@blueprint.input(ItemsQuery, location="query")
@blueprint.output(ItemPage)
@blueprint.doc(operation_id="listBatchItems", responses=errors(422, 503, BatchNotFound))
def items(batch_id: str, query_data: ItemsQuery) -> Response:
    """List a batch's items, in the manifest's order"""
    progress = _visible(batch_id)
    start, stop = query_data.cursor, query_data.cursor + query_data.limit
    found = list(services().batches.items(batch_id, start, stop))
    states = services().ledger.item_states(batch_id, [index for index, _ in found])
    shown = [item_document(progress, index, item, states[index]) for index, item in found]
    return json_answer({"items": shown, "next_cursor": stop if stop < progress.batch.items else None})


@blueprint.get("/<batch_id>/export")
@blueprint.input(ExportQuery, location="query")
@blueprint.doc(
    operation_id="exportBatch",
    responses={
        200: answer("What there is", {"application/jsonl": TEXT, "application/zip": BINARY}),
        **errors(422, 503, BatchNotFound),
    },
)
def export_batch(batch_id: str, query_data: ExportQuery) -> Response:
    """Get all transcripts of a batch

    As far as they are there: each line says the item's state, the error of one that has none, and the transcript.
    """
    progress = _visible(batch_id)
    pieces = export.pieces(services(), progress, query_data.format, item_document)
    name = f'attachment; filename="batch-{batch_id}.{query_data.format}"'
    return Response(pieces, headers={"Content-Disposition": name}, content_type=export.MEDIA_TYPES[query_data.format])


@blueprint.post("/<batch_id>/cancel")
@blueprint.doc(
    operation_id="cancelBatch",
    responses={202: answer("Being cancelled", {JSON: BatchView}), **errors(503, BatchNotFound)},
)
def cancel(batch_id: str) -> Response:
    """Cancel what of a batch has not ended

    No further item becomes a job; those that run are cancelled within seconds. A batch that has ended stays as it is.
    """
    progress = _visible(batch_id)
    if progress.stage == "entering" or not services().ledger.count_batch(progress).is_settled:
        services().batches.cancel(progress)
        services().entering.set()
    return json_answer(_document(_visible(batch_id)), 202)


@blueprint.delete("/<batch_id>")
@blueprint.doc(operation_id="deleteBatch", responses={204: answer("Gone"), **errors(503, BatchNotFound)})
def delete(batch_id: str) -> Response:
    """Cancel a batch if it runs, and forget it, its jobs, their audio and their transcripts"""
    services().batches.delete(_visible(batch_id))
    services().entering.set()
    return empty_answer()


def item_document(progress: Progress, index: int, item: BatchItem, job: ItemState) -> dict[str, Any]:
    """schemas.ItemView."""
    error = item.error or progress.errors.get(index)
    state: str = job.state or "deleted"
    if error:
        state = "rejected"
    elif not job.state and index >= progress.next:
        state = "cancelled" if progress.stage in ("cancelling", "cancelled") else "pending"
    return {
        "index": index,
        "custom_id": item.custom_id,
        "filename": item.filename or None,
        "state": state,
        "job_id": item_job_id(progress.batch.id, index) if job.state else None,
        "error": error or job.error,
    }


def _visible(batch_id: str) -> Progress:
    return services().batches.find(batch_id, current_owner())


def _document(progress: Progress) -> dict[str, Any]:
    """schemas.BatchView."""
    counts = services().ledger.count_batch(progress)
    return {
        **_head(progress.batch),
        "state": _state(progress, counts),
        "counts": {name: getattr(counts, name) for name in BATCH_COUNTS},
        "duration_s": counts.duration_s,
        "covered_s": counts.covered_s,
        "audio_hours": round(counts.duration_s / 3600, 6),
    }


BATCH_COUNTS = ("pending", "queued", "running", "succeeded", "failed", "cancelled", "rejected", "deleted")


def _state(progress: Progress, counts: Counts) -> str:
    if progress.stage == "entered":
        return "ended" if counts.is_settled else "running"
    return progress.stage


def _head(batch: Batch) -> dict[str, Any]:
    path = f"{services().settings.public_url}/v1/batches/{batch.id}"
    links = {"self": path, "items": f"{path}/items", "export": f"{path}/export", "cancel": f"{path}/cancel"}
    return {
        "id": batch.id,
        "name": batch.name,
        "created_at": batch.created_at,
        "total": batch.items,
        "links": links,
    }
