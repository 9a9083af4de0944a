"""Webhook deliveries: claimed when due, reported, listed, replayed. A job's end enters its own (webhooks.lua)."""

import json
from collections.abc import Iterable

from jobs.errors import DeliveryNotFound
from jobs.ledger import keys, records
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated
from jobs.webhook import Attempt, Delivery, DeliveryRecord

LISTED = ("id", "job", "type", "url", "state", "attempts", "created_at", "next_at", "ended_at")


class WebhookCalls(Calls):
    def claim_delivery(
        self, incarnation: str, claim_id: str, *, attempt_s: float, busy: Iterable[str] = ()
    ) -> Delivery | None:
        """The delivery due longest; claimable again after attempt_s. Repeating a claim_id repeats the answer.

        busy: receivers (Delivery.receiver) that are to get nothing now.
        """
        lease_s = repr(self._settings.lease_s)
        answer = self._scripts.run("claim_delivery", incarnation, claim_id, lease_s, repr(attempt_s), *busy)
        if not answer:
            return None
        found = json.loads(answer)
        return Delivery(
            id=found["id"],
            fence=int(found["fence"]),
            owner=found["owner"],
            url=found["url"],
            type=found["type"],
            created_at=float(found["created_at"]),
            attempts=int(found["attempts"]),
            job=records.to_ended_job(json.loads(found["record"])) if found["record"] else None,
        )

    def report_delivery(self, delivery: Delivery, outcome: str, attempt: Attempt, *, pause_s: float = 0.0) -> bool:
        """outcome: retry (after pause_s), delivered, failed, disabled. False if it was claimed anew meanwhile."""
        logged = attempt.model_dump_json()
        return bool(self._scripts.run("report_delivery", delivery.id, delivery.fence, outcome, logged, repr(pause_s)))

    def deliveries(
        self, owner: str, *, limit: int = 50, cursor: str = "", state: str = "", job_id: str = ""
    ) -> tuple[list[DeliveryRecord], str]:
        """One owner's, newest first, and the cursor of the next page ('' at the end)."""
        following, found = self._scripts.run("deliveries", owner, limit, cursor, state, job_id)
        return [_record(values) for values in found], following.decode()

    def delivery(self, delivery_id: str, owner: str | None) -> tuple[DeliveryRecord, list[Attempt]]:
        """With its log. Raises DeliveryNotFound, also for somebody else's (None: anybody's)."""
        with translated(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hmget(keys.key("delivery", delivery=delivery_id), [*LISTED, "owner"])
            pipeline.lrange(keys.key("delivery_log", delivery=delivery_id), 0, -1)
            values, log = pipeline.execute()
        if values[0] is None or (owner is not None and values[-1].decode() != owner):
            raise _unknown(delivery_id)
        return _record(values[: len(LISTED)]), [Attempt.model_validate_json(each) for each in log]

    def replay_delivery(self, delivery_id: str, owner: str | None) -> None:
        """Due again at once, with every attempt; also where its receiver had said 410. Raises DeliveryNotFound."""
        if not self._scripts.run("replay_delivery", delivery_id, owner or ""):
            raise _unknown(delivery_id)

    def test_delivery(self, delivery_id: str, owner: str, url: str) -> None:
        """Enter a delivery about no job, to try a receiver."""
        self._scripts.run("test_delivery", delivery_id, owner, url)


def _record(values: list[bytes | None]) -> DeliveryRecord:
    found = {name: value.decode() if value else None for name, value in zip(LISTED, values, strict=True)}
    return DeliveryRecord.model_validate({**found, "job_id": found["job"]})


def _unknown(delivery_id: str) -> DeliveryNotFound:
    return DeliveryNotFound(f"no delivery has the id {delivery_id[:80]}")
