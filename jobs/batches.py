"""Batches: accepted into the store, read back, cancelled, deleted. The work on them is in jobs/entering.py."""

import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import structlog
from pydantic import ValidationError

from jobs.batch import Batch, BatchItem, Progress
from jobs.errors import BatchNotFound, ObjectMissing
from jobs.ledger import Ledger
from jobs.store import AudioStore, layout

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Batches:
    """Every call raises StoreUnavailable or LedgerUnavailable where those are away."""

    ledger: Ledger
    store: AudioStore

    def create(self, owner: str, name: str, items: list[BatchItem]) -> Batch:
        """Accept a batch; once this returns, it survives even the loss of all Redis data."""
        batch = Batch(
            id=uuid.uuid4().hex,
            owner=owner,
            name=name,
            created_at=self.ledger.now(),
            items=len(items),
            refused=sum(item.error is not None for item in items),
        )
        lines = (item.model_dump_json(exclude_defaults=True).encode() + b"\n" for item in items)
        self.store.write(layout.batch_items(batch.id), lines, sync=True)
        self.store.write(layout.batch_record(batch.id), [batch.model_dump_json().encode()], sync=True)
        self.ledger.create_batch(batch)
        log.info("batch.accepted", batch_id=batch.id, items=batch.items, refused=batch.refused)
        return batch

    def find(self, batch_id: str, owner: str) -> Progress:
        """The owner's batch. Raises BatchNotFound."""
        unknown = BatchNotFound(f"There is no batch {batch_id[:64]!r}.")
        if not batch_id.isalnum() or not batch_id.isascii():
            raise unknown
        progress = self.ledger.batch(batch_id)
        if progress.batch.owner != owner or progress.stage == "deleting":
            raise unknown
        return progress

    def items(self, batch_id: str, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, BatchItem]]:
        """The items [start, stop) with their indexes. Raises BatchNotFound where the batch was just deleted."""
        try:
            for index, line in enumerate(_lines(self.store.chunks(layout.batch_items(batch_id)))):
                if stop is not None and index >= stop:
                    return
                if index >= start:
                    yield index, BatchItem.model_validate_json(line)
        except ObjectMissing as error:
            raise BatchNotFound(f"The batch {batch_id} was deleted.") from error

    def cancel(self, progress: Progress) -> None:
        """From now on no item becomes a job; those that did are cancelled in the background."""
        batch_id = progress.batch.id
        self.store.write(layout.batch_cancelled(batch_id), [b""], sync=True)
        self.ledger.turn_batch(batch_id, "cancelling")
        log.info("batch.cancelled", batch_id=batch_id)

    def delete(self, progress: Progress) -> None:
        """The batch is unknown from now on; its jobs, with all that is theirs, go in the background."""
        batch_id = progress.batch.id
        self.store.write(layout.batch_deleted(batch_id), [b""], sync=True)
        self.ledger.turn_batch(batch_id, "deleting")
        log.info("batch.deleted", batch_id=batch_id)


def restore(ledger: Ledger, store: AudioStore) -> int:
    """Enter every batch of the store that the ledger doesn't know (`tingxie recover`); returns how many there were.

    One that was entered only in part is entered again from its first item: a job that is there already isn't made anew.
    """
    restored = 0
    names = {found.name for found in store.list(layout.batches())}
    for name in sorted(name for name in names if name.endswith("/batch.json")):
        try:
            batch = Batch.model_validate_json(store.read(name))
        except (ObjectMissing, ValidationError) as error:
            log.warning("recover.unreadable", object=name, error=str(error))
            continue
        restored += _restore(ledger, store, batch, names)
    return restored


def _restore(ledger: Ledger, store: AudioStore, batch: Batch, names: set[str]) -> bool:
    if layout.batch_deleted(batch.id) in names:
        return ledger.create_batch(batch, stage="deleting", next_index=batch.items)
    if layout.batch_entered(batch.id) not in names:
        is_new = ledger.create_batch(batch)
    else:
        is_new = ledger.create_batch(batch, stage="entered", next_index=batch.items)
        if is_new:
            ledger.put_batch_errors(batch.id, json.loads(store.read(layout.batch_entered(batch.id))))
    if is_new and layout.batch_cancelled(batch.id) in names:
        ledger.turn_batch(batch.id, "cancelling")
    return is_new


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
