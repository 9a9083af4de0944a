"""What a soak showed: counts over its seeds, as figures with targets."""

from collections import Counter
from dataclasses import dataclass, field

from bench.figure import Figure
from tests.soak.chaos import WEIGHTS
from tests.soak.recovery import Kill

#: what counts as a full run, from which the numbers of jobs and kills are asked for
FULL_MINUTES = 30.0


@dataclass
class Tally:
    jobs: int = 0
    audio_s: float = 0.0
    windows: int = 0
    lost: int = 0
    recovered: int = 0
    failed: int = 0
    doubled: int = 0
    differing: int = 0
    refused: int = 0
    restarts: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    killed: int = 0
    kills: list[Kill] = field(default_factory=list)
    counters: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @property
    def is_violated(self) -> bool:
        return bool(self.lost or self.failed or self.doubled or self.differing or self.errors)

    def figures(self, minutes: float) -> list[Figure]:
        full = minutes >= FULL_MINUTES
        struck = [kill for kill in self.kills if kill.units]
        # kills in the last seconds of a seed may end with it, before anybody saw the units return
        returned = sorted(kill.returned_s for kill in struck if kill.returned_s is not None)
        recovered = sorted(kill.recovered_s for kill in struck if kill.recovered_s is not None)
        return [
            Figure("jobs submitted", self.jobs, "", "≥ 300" if full else ""),
            Figure("audio", self.audio_s / 3600, "h"),
            Figure("windows", self.windows, ""),
            Figure("jobs lost (202, and no end)", self.lost, "", "≤ 0"),
            Figure("jobs failed", self.failed, "", "≤ 0"),
            Figure("windows counted twice", self.doubled, "", "≤ 0"),
            Figure("transcripts that differ from the calm run's", self.differing, "", "≤ 0"),
            Figure("jobs that only `tingxie recover` brought back", self.recovered, ""),
            Figure("faults", self.faults.total(), ""),
            *(Figure(f"… {name}", self.faults[name], "", "≥ 1" if full else "") for name in WEIGHTS),
            Figure("SIGKILLs", self.killed, "", "≥ 60" if full else ""),
            Figure("… that hit a worker with leases", len(struck), "", "≥ 20" if full else ""),
            Figure("processes started again", self.restarts, ""),
            Figure("submissions answered by an error, and repeated", self.refused, ""),
            *(Figure(f"windows or units {name}", self.counters[name], "") for name in _COUNTED),
            *_spread("kill → its units claimable again", returned, p95_target="≤ 20"),
            *_spread("kill → its units done by others", recovered),
        ]


_COUNTED = ("redone", "fenced", "lapsed", "suspects")


def _spread(what: str, times_s: list[float], *, p95_target: str = "") -> list[Figure]:
    if not times_s:
        return []
    p95 = times_s[min(len(times_s) - 1, int(0.95 * len(times_s)))]
    return [Figure(f"{what}, p95", p95, "s", p95_target), Figure(f"{what}, longest", times_s[-1], "s")]
