"""What every part of the ledger stands on: the connection, the scripts, the settings."""

from redis import Redis

from jobs.ledger.connection import translated
from jobs.ledger.scripts import Scripts
from jobs.settings import Settings

#: a call's name is remembered this long, in seconds: far longer than redis-py goes on sending a command again
COUNTED_S = 600


class Calls:
    """A part of the ledger's calls; `Ledger` joins the parts."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._settings = settings
        self._scripts = Scripts(redis)

    def now(self) -> float:
        """Redis's clock, seconds since the epoch. Also the cheapest reachability check."""
        with translated():
            seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6
