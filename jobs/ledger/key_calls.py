"""What the ledger remembers of API keys: their use, their requests. The keys are in the store (jobs.keyring)."""

from typing import Any

from jobs.api_key import ApiKey
from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated


class KeyCalls(Calls):
    def take_requests(self, identity: str, window: int, count: int, *, keep_s: int) -> int:
        """Take `count` requests of a window; returns how many were taken in all, these included.

        Taken twice where the reply is lost: then fewer are let through, never more.
        """
        name = keys.key("requests", identity=identity, window=str(window))
        with translated(), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.incrby(name, count)
            pipeline.expire(name, keep_s)
            taken, _ = pipeline.execute()
        return int(taken)

    def key_used(self, key: ApiKey) -> None:
        """Write down that the key was used just now, and what its owner's quotas are."""
        hours = {"day": key.hours_per_day, "month": key.hours_per_month}
        quota: dict[Any, Any] = {name: round(each * 3_600_000) for name, each in hours.items() if each is not None}
        name = keys.key("quota", owner=key.owner)
        with translated():
            seconds, _ = self._redis.time()
            with self._redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(keys.key("keys_used"), key.id, seconds)
                pipeline.delete(name)
                if quota:
                    pipeline.hset(name, mapping=quota)
                pipeline.execute()

    def keys_used(self) -> dict[str, float]:
        """When each key was last used, in seconds since the epoch; those never used are left out."""
        with translated():
            found: dict[bytes, bytes] = self._redis.hgetall(keys.key("keys_used"))  # type: ignore[assignment]
        return {key_id.decode(): float(at) for key_id, at in found.items()}
