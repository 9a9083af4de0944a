"""What an operator looks at beside the figures: what each worker has in hand, and what failed lately. Reads only."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.ledger import keys
from jobs.ledger.calls import Calls
from jobs.ledger.connection import translated

#: as jobs.lua keeps them
FAILURES_S = 3600.0


@dataclass(frozen=True, slots=True)
class InHand:
    """A worker's part in one job. phase: prepare, transcribe or finish; windows: of the second, how many."""

    phase: str
    job_id: str
    windows: int


@dataclass(frozen=True, slots=True)
class Failure:
    job_id: str
    type: str
    at: float


class LookoutCalls(Calls):
    def in_hand(self, incarnations: Iterable[str]) -> dict[str, list[InHand]]:
        """What each of these holds at about this moment, by job."""
        names = list(incarnations)
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.smembers(keys.key("held", incarnation=name))
            return {name: _by_job(held) for name, held in zip(names, pipe.execute(), strict=True)}

    def failures(self) -> list[Failure]:
        """The jobs that failed within the last hour, the last one first; 1,000 at most."""
        with translated(), self._redis.pipeline(transaction=False) as pipe:
            pipe.time()
            pipe.zrevrange(keys.key("failures"), 0, -1, withscores=True)
            (now, _), found = pipe.execute()
        members = ((member.decode().partition(":"), at) for member, at in found if at > now - FAILURES_S)
        return [Failure(job_id, kind, at) for (kind, _, job_id), at in members]


def _by_job(held: set[bytes]) -> list[InHand]:
    """From the names of units: window:{job}:{index}, prepare:{job}, finish:{job}."""
    counted = Counter((unit[0], unit[1]) for unit in (name.decode().split(":") for name in held))
    return [
        InHand("transcribe", job_id, count) if kind == "window" else InHand(kind, job_id, 0)
        for (kind, job_id), count in sorted(counted.items())
    ]
