"""How long what a killed process held takes to be claimable again, and to be done by somebody else."""

import time
from dataclasses import dataclass, field

from redis import Redis

from jobs.job import TERMINAL
from jobs.ledger import keys
from tests.support.victims import held_by


@dataclass
class Kill:
    """One process that was killed while it held units (`window:{job}:{index}`, `prepare:{job}`, `finish:{job}`)."""

    incarnation: str
    units: set[str]
    at: float = field(default_factory=time.monotonic)
    returned_s: float | None = None
    recovered_s: float | None = None


class Recoveries:
    """Watches the kills until each is made good. Raises redis's errors while Redis is away."""

    def __init__(self) -> None:
        self.kills: list[Kill] = []

    def add(self, incarnation: str, units: set[str]) -> None:
        self.kills.append(Kill(incarnation, units))

    def look(self, redis: Redis) -> None:
        for kill in [one for one in self.kills if one.recovered_s is None]:
            since_s = time.monotonic() - kill.at
            if kill.returned_s is None and not held_by(redis, kill.incarnation):
                kill.returned_s = since_s
            if kill.returned_s is not None and all(_is_done(redis, unit) for unit in kill.units):
                kill.recovered_s = since_s


def _is_done(redis: Redis, unit: str) -> bool:
    kind, job_id, *index = unit.split(":")
    state, prepare = redis.hmget(keys.key("job", job=job_id), "state", "prepare")
    if state is None or state.decode() in TERMINAL:
        return True
    if kind == "window":
        return bool(redis.hexists(keys.key("results", job=job_id), index[0]))
    return kind == "prepare" and prepare == b"done"
