"""Batches in the ledger: how far each is, what front ends have yet to do for it, and what has become of its items."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import cast, get_args

from jobs.batch import Batch, Counts, ItemState, Progress, Stage, item_job_id
from jobs.errors import BatchNotFound
from jobs.job import State
from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated

#: jobs counted by one run of the script: a millisecond or two
COUNTED_AT_ONCE = 500


class BatchCalls(Calls):
    def create_batch(self, batch: Batch, *, stage: Stage = "entering", next_index: int = 0) -> bool:
        """Enter an accepted batch. False if it is known already."""
        head, created_at = batch.model_dump_json(), repr(batch.created_at)
        refused = batch.refused if next_index == 0 else 0
        return bool(
            self._scripts.run(
                "create_batch", batch.id, head, batch.owner, created_at, batch.items, refused, stage, next_index
            )
        )

    def batch(self, batch_id: str) -> Progress:
        """Raises BatchNotFound."""
        with translated(), self._redis.pipeline(transaction=True) as pipe:
            pipe.hmget(keys.key("batch", batch=batch_id), ["head", "stage", "next", "refused_left"])
            pipe.hgetall(keys.key("batch_errors", batch=batch_id))
            (head, stage, next_index, refused_left), errors = pipe.execute()
        if head is None:
            raise BatchNotFound(f"There is no batch {batch_id[:64]!r}.")
        return Progress(
            batch=Batch.model_validate_json(head),
            stage=cast("Stage", stage.decode()),
            next=int(next_index),
            refused_left=int(refused_left),
            errors={int(index): json.loads(problem) for index, problem in errors.items()},
        )

    def batches(self, owner: str, *, limit: int, before: str = "") -> list[Batch]:
        """One owner's batches, newest first; `before`: only those made before that time."""
        with translated():
            newest = f"({before}" if before else "+inf"
            key = keys.key("owner_batches", owner=owner)
            found = cast("list[bytes]", self._redis.zrevrangebyscore(key, newest, "-inf", 0, limit))
            with self._redis.pipeline(transaction=False) as pipe:
                for batch_id in found:
                    pipe.hget(keys.key("batch", batch=batch_id.decode()), "head")
                heads = pipe.execute()
        return [Batch.model_validate_json(head) for head in heads if head is not None]

    def open_batches(self) -> list[str]:
        """Those that front ends have work on, the oldest first."""
        with translated():
            found = cast("list[bytes]", self._redis.zrange(keys.key("open_batches"), 0, -1))
        return [batch_id.decode() for batch_id in found]

    def step_batch(
        self, batch_id: str, next_index: int, *, refused_line: bool = False, problem: dict[str, str] | None = None
    ) -> str:
        """The item before next_index has been dealt with; it may have a problem. Returns the batch's stage."""
        text = json.dumps(problem, ensure_ascii=False) if problem else ""
        stage: bytes = self._scripts.run("batch_step", batch_id, next_index, int(refused_line), text)
        return stage.decode()

    def put_batch_errors(self, batch_id: str, errors: dict[str, dict[str, str]]) -> None:
        """The problems of a restored batch's items, by index."""
        listed = [(index, json.dumps(problem, ensure_ascii=False)) for index, problem in errors.items()]
        for start in range(0, len(listed), COUNTED_AT_ONCE):
            some = listed[start : start + COUNTED_AT_ONCE]
            self._scripts.run("put_batch_errors", batch_id, *(part for pair in some for part in pair))

    def turn_batch(self, batch_id: str, stage: Stage) -> str:
        """Move the batch on to a later stage; returns the one that it has now, '' where there is none."""
        turned: bytes = self._scripts.run("turn_batch", batch_id, stage)
        return turned.decode()

    def forget_batch(self, batch_id: str) -> None:
        """Nothing is left of a deleted batch."""
        self._scripts.run("forget_batch", batch_id)

    def count_batch(self, progress: Progress) -> Counts:
        """What has become of the items."""
        totals, length_s, covered_s = [0] * 5, 0.0, 0.0
        for start in range(0, progress.next, COUNTED_AT_ONCE):
            stop = min(start + COUNTED_AT_ONCE, progress.next)
            *counts, length, covered = self._scripts.run("batch_jobs", progress.batch.id, start, stop)
            totals = [total + count for total, count in zip(totals, counts, strict=True)]
            length_s, covered_s = length_s + float(length), covered_s + float(covered)
        queued, running, succeeded, failed, cancelled = totals
        rejected, pending = progress.rejected, progress.pending
        deleted = progress.batch.items - rejected - pending - sum(totals)
        if progress.stage in get_args(Stage)[2:]:  # what was still to come never will
            cancelled, pending = cancelled + pending, 0
        return Counts(
            pending, queued, running, succeeded, failed, cancelled, rejected, max(deleted, 0), length_s, covered_s
        )

    def item_states(self, batch_id: str, indexes: Iterable[int]) -> dict[int, ItemState]:
        """How the jobs of these items stand."""
        found, left = dict[int, ItemState](), iter(indexes)
        while asked := list(islice(left, COUNTED_AT_ONCE)):
            with translated(), self._redis.pipeline(transaction=False) as pipe:
                for index in asked:
                    pipe.hmget(keys.key("job", job=item_job_id(batch_id, index)), ["state", "error"])
                answers = pipe.execute()
            for index, (state, error) in zip(asked, answers, strict=True):
                known = State(state.decode()) if state else None
                found[index] = ItemState(known, json.loads(error) if error else None)
        return found

    def cancel_quietly(self, job_id: str) -> None:
        """Cancel a job if there is one and it has not ended."""
        self._scripts.run("cancel", job_id)
