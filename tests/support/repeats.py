"""A ledger each of whose scripts is applied twice, as redis-py does when the reply of a command is lost."""

from typing import Any

from redis import Redis

from jobs.ledger import Ledger, Refused, keys
from jobs.ledger.scripts import Scripts
from jobs.settings import Settings

#: these only say when somebody was last seen
TIMES = (":attending", keys.key("alive"), keys.key("rounds"), ":serving", ":totals", keys.key("announced", model=""))
#: the only scripts whose second answer differs: it is no, for nothing was left to do
ANSWERS_ONCE = {"create", "create_batch", "restore", "delete", "reap", "expire_waiting", "wake_resting"}


def snapshot(redis: Redis) -> dict[bytes, Any]:
    """Every key with its content, but for the times of last signs of life."""
    read = {
        b"hash": redis.hgetall,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"set": redis.smembers,
        b"string": redis.get,
        b"stream": redis.xrange,
        b"list": lambda key: redis.lrange(key, 0, -1),
    }
    found = {}
    for key in redis.scan_iter():
        found[key] = read[redis.type(key)](key)
        if any(time in key.decode() for time in TIMES) and isinstance(found[key], dict):
            for name in (b"served_at", b"last", b"from", b"waited"):
                found[key].pop(name, None)
        elif any(time in key.decode() for time in TIMES):
            found[key] = {member for member, _ in found[key]}
    return found


class TwiceScripts(Scripts):
    """Runs each script twice and checks that the second run changes nothing and answers the same."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis)
        self._own = redis

    def run(self, name: str, *arguments: str | bytes | float) -> Any:
        try:
            first = super().run(name, *arguments)
        except Refused:
            before = snapshot(self._own)
            self._run_refused(name, arguments)
            assert snapshot(self._own) == before, f"{name}: refused, and yet the second run changed something"
            raise
        before = snapshot(self._own)
        second = super().run(name, *arguments)
        assert snapshot(self._own) == before, f"{name}: the second run changed something"
        # times and standings of a record move on by themselves
        if name not in ANSWERS_ONCE | {"job", "jobs"}:
            assert second == first, f"{name}: the second run answered otherwise"
        return first

    def _run_refused(self, name: str, arguments: tuple[str | bytes | float, ...]) -> None:
        try:
            super().run(name, *arguments)
        except Refused:
            return
        raise AssertionError(f"{name}: refused once, accepted when repeated")


class TwiceLedger(Ledger):
    def __init__(self, redis: Redis, settings: Settings) -> None:
        super().__init__(redis, settings)
        self._scripts = TwiceScripts(redis)
