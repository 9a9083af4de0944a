"""One seed of a soak: load and faults for a while, then calm until all jobs have ended, then the count."""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from redis.exceptions import RedisError

from jobs.job import Job
from jobs.ledger import Ledger
from tests.soak.chaos import Chaos
from tests.soak.crew import Crew
from tests.soak.load import Load, Submitted, at_random
from tests.soak.recordings import Recording
from tests.soak.tally import Tally

#: after the last fault, for everything to end; far more than two cores need for what is then open
END_S = 300.0
RECOVER_S = 120.0
TEND_S = 0.1
#: between two polls of the jobs, and between two lines about them
POLL_S, SAY_S = 1.0, 30.0


@dataclass
class Storm:
    """texts: each recording's transcript without faults."""

    seed: int
    duration_s: float
    made: list[Recording]
    texts: dict[Path, str]
    say: Callable[[str], None]

    def run(self, folder: Path, model: Path, tally: Tally) -> None:
        """Adds what it counted to the tally; nothing of it runs afterwards."""
        crew = Crew.start(folder, model)
        try:
            chaos, load = Chaos(crew, self.seed, self.say), Load(crew.url, at_random(self.made, self.seed))

            def tend() -> None:
                crew.tend()
                with suppress(RedisError):
                    chaos.recoveries.look(chaos.redis)

            load.start()
            chaos.start()
            self._rage(tend, chaos, load)
            chaos.stop(tend)
            load.stop()
            _recover(crew, load, tally)
            load.finish(END_S, tend)
            _settle(crew, tend)
            self.say(f"seed {self.seed}: {len(load.jobs)} jobs, {len(load.open)} have not ended")
            self._count(crew, chaos, load, tally)
        finally:
            crew.stop()

    def _rage(self, tend: Callable[[], None], chaos: Chaos, load: Load) -> None:
        deadline, next_poll, next_line = time.monotonic() + self.duration_s, 0.0, 0.0
        while (now := time.monotonic()) < deadline:
            tend()
            if now >= next_poll:
                load.poll()
                next_poll = now + POLL_S
            if now >= next_line:
                left = f"{deadline - now:.0f} s left"
                self.say(f"seed {self.seed}: {left}, {len(load.jobs)} jobs, {chaos.kills} kills")
                next_line = now + SAY_S
            time.sleep(TEND_S)

    def _count(self, crew: Crew, chaos: Chaos, load: Load, tally: Tally) -> None:
        records, counters = _read(crew)
        windows = sum(record.windows_done for record in records)
        tally.jobs += len(load.jobs)
        tally.audio_s += sum(each.recording.duration_s for each in load.jobs)
        tally.windows += windows
        tally.lost += len(load.open) + sum(not record.state.is_terminal for record in records)
        tally.failed += sum(record.state == "failed" for record in records)
        # what a killed Redis forgets, it forgets of counts and results alike
        tally.doubled += abs(counters["committed"] - windows)
        tally.differing += sum(self._differs(load, each) for each in load.jobs)
        tally.refused += load.refused
        tally.restarts += crew.restarts
        tally.faults += chaos.counts
        tally.killed += chaos.kills
        tally.kills += chaos.recoveries.kills
        tally.counters.update(counters)
        tally.errors += [
            *chaos.errors,
            *load.errors,
            *(f"failed: {one.id} {one.error}" for one in records if one.error),
        ]

    def _differs(self, load: Load, each: Submitted) -> bool:
        if each.ended is None or each.ended.state != "succeeded":
            return False  # counted as lost or failed
        return load.text(each) != self.texts[each.recording.path]


def _recover(crew: Crew, load: Load, tally: Tally) -> None:
    """A killed Redis may have lost its last second: what the store then knows better is entered again."""
    ledger = Ledger.connect(crew.settings)
    submitted = [each.job_id for each in load.jobs]
    unknown = set(submitted) - ledger.known(submitted)
    ledger.close()
    if unknown:
        command = [sys.executable, "-m", "tingxie", "recover"]
        subprocess.run(command, env=crew.environment(), check=True, timeout=RECOVER_S)
        tally.recovered += len(unknown)


def _settle(crew: Crew, tend: Callable[[], None]) -> None:
    """Until every job that the ledger knows has ended: also those whose submission was answered by an error."""
    deadline = time.monotonic() + END_S
    while time.monotonic() < deadline and not all(record.state.is_terminal for record in _read(crew)[0]):
        tend()
        time.sleep(POLL_S)


def _read(crew: Crew) -> tuple[list[Job], dict[str, int]]:
    """All jobs that the ledger knows (also those whose submission was answered by an error), and its counters."""
    ledger = Ledger.connect(crew.settings)
    try:
        records, cursor = ledger.jobs("local")
        while cursor:
            more, cursor = ledger.jobs("local", cursor=cursor)
            records += more
        return records, ledger.counters()
    finally:
        ledger.close()
