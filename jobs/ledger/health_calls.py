"""What an operator wants to know of the ledger's Redis: does it keep what it is given, and who has waited longest."""

from dataclasses import dataclass
from typing import cast

from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated

#: jobs looked at for the longest wait; the shortest job goes first, so those beyond it are the long ones
LOOKED_AT = 1_000


@dataclass(frozen=True, slots=True)
class RedisHealth:
    """appends: an append-only file is on and its last write went well. eviction: the maxmemory policy."""

    version: str
    appends: bool
    eviction: str

    @property
    def keeps_everything(self) -> bool:
        return self.appends and self.eviction == "noeviction"


class HealthCalls(Calls):
    def redis_health(self) -> RedisHealth:
        with translated():
            info = self._redis.info("everything")
        appends = bool(int(info.get("aof_enabled", 0))) and info.get("aof_last_write_status") == "ok"
        return RedisHealth(str(info.get("redis_version", "?")), appends, str(info.get("maxmemory_policy", "?")))

    def oldest_wait_s(self) -> float:
        """Seconds for which the job that waits longest has waited for its first worker; 0 where none does."""
        with translated():
            waiting = [job for name in ("unpinned", "prepare") for job in self._first(name)]
            with self._redis.pipeline(transaction=False) as pipe:
                for job in waiting:
                    pipe.hmget(keys.key("job", job=job.decode()), "state", "created_at")
                records = pipe.execute()
            seconds, _ = self._redis.time()
        queued = [float(created) for state, created in records if state == b"queued" and created is not None]
        return max((seconds - created for created in queued), default=0.0)

    def _first(self, name: str) -> list[bytes]:
        """The job ids at the head of a sorted set."""
        return cast("list[bytes]", self._redis.zrange(keys.key(name), 0, LOOKED_AT - 1))
