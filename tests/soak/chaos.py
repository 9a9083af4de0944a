"""The faults: every few seconds one of them, chosen by a generator that a seed starts."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil
from redis import Redis
from redis.exceptions import RedisError

from jobs.errors import Unavailable
from jobs.ledger import Ledger, WorkerInfo
from jobs.ledger.units import Kind
from tests.soak.crew import PREPARERS, TRANSCRIBERS, Crew
from tests.soak.recovery import Recoveries
from tests.support.victims import held_by, stop

#: pauses between two faults
PAUSE_S = (3.0, 8.0)
#: how long a kill waits for a process that holds leases, before it takes any
HOLDER_S = 4.0
#: how often each fault is chosen, once each has come up
WEIGHTS = {
    "kill a transcribe worker": 40,
    "kill a prepare child": 12,
    "kill a prepare parent": 6,
    "freeze past the lease": 8,
    "SIGTERM to one worker": 8,
    "rolling SIGTERM": 3,
    "kill Redis": 8,
    "delete Celery's keys": 8,
    "double the hints": 7,
    "reset all connections": 5,
    "delay all data": 4,
    "blackhole": 4,
}
KILLS = ("kill a transcribe worker", "kill a prepare child", "kill a prepare parent", "kill Redis")
#: Celery's and kombu's keys; the ledger's begin with `tingxie:`
CELERY_KEYS = ("tingxie.*", "_kombu.*", "unacked*")
#: of a network: how long it goes on, and by how much data is late
NETWORK_S, LATE_S = (1.0, 6.0), (0.02, 0.3)
#: a drained worker ends within its batch and 2 s; several share two cores here
DRAIN_S = 60.0
#: loading torch and the model, likewise
START_S = 60.0
POLL_S = 0.2


class Chaos:
    """A thread. `counts`: faults by name; `errors`: what went wrong in this program itself."""

    def __init__(self, crew: Crew, seed: int, say: Callable[[str], None]) -> None:
        self._crew = crew
        self._say = say
        self._random = random.Random(seed)
        self._ledger = Ledger.connect(crew.settings)
        self.redis = Redis.from_url(crew.settings.redis_url, socket_timeout=5.0)
        self.recoveries = Recoveries()
        self.counts: Counter[str] = Counter()
        self.errors: list[str] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos", daemon=True)
        self._faults: dict[str, Callable[[], bool]] = {
            "kill a transcribe worker": lambda: self._kill("transcribe"),
            "kill a prepare child": lambda: self._kill("cpu"),
            "kill a prepare parent": lambda: self._kill("cpu", parent=True),
            "freeze past the lease": self._freeze,
            "SIGTERM to one worker": lambda: self._drain([self._random.choice(TRANSCRIBERS + PREPARERS)]),
            "rolling SIGTERM": lambda: self._drain([*TRANSCRIBERS, *PREPARERS]),
            "kill Redis": self._kill_redis,
            "delete Celery's keys": self._delete_hints,
            "double the hints": self._double_hints,
            "reset all connections": self._reset,
            "delay all data": self._delay,
            "blackhole": self._blackhole,
        }
        #: each kind comes up once, in any order, before chance has its way
        self._due = self._random.sample(list(WEIGHTS), len(WEIGHTS))

    def start(self) -> None:
        self._thread.start()

    def stop(self, tend: Callable[[], None]) -> None:
        """Returns once the fault in progress is over; a frozen process that it waits for needs `tend` meanwhile."""
        self._stopped.set()
        while self._thread.is_alive():
            tend()
            self._thread.join(0.1)

    @property
    def kills(self) -> int:
        return sum(self.counts[name] for name in KILLS)

    def _run(self) -> None:
        while not self._stopped.wait(self._random.uniform(*PAUSE_S)):
            name = self._due[-1] if self._due else self._random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
            try:
                if self._faults[name]():
                    self.counts[name] += 1
                    self._say(name)
                    self._due = self._due[:-1]
            except (psutil.NoSuchProcess, RedisError, Unavailable):
                continue  # the victim was gone, or Redis still loads: the next one then
            except Exception as error:  # noqa: BLE001 (reported as a failure of the soak)
                self.errors.append(f"{name}: {error!r}")

    def _kill(self, kind: Kind, *, parent: bool = False) -> bool:
        """SIGKILL one that holds leases if there is one soon, else any. It is stopped first, so what it holds is sure.

        A prepare worker's children die with their parent: by the tether's hand, as in `tingxie up`.
        """
        deadline = time.monotonic() + HOLDER_S
        while not self._stopped.is_set():
            workers = [worker for worker in self._ledger.workers() if worker.kind == kind and self._is_ours(worker)]
            holders = [worker for worker in workers if held_by(self.redis, worker.incarnation)]
            if workers and (holders or time.monotonic() > deadline):
                victim = self._random.choice(holders or workers)
                process = psutil.Process(victim.pid)
                stop(process)
                try:
                    units = held_by(self.redis, victim.incarnation)
                except RedisError:
                    process.resume()
                    raise
                if holders and not units and time.monotonic() < deadline:
                    process.resume()
                    continue
                (process.parent() if parent else process).kill()
                self.recoveries.add(victim.incarnation, held_by(self.redis, victim.incarnation))
                return True
            time.sleep(0.01)
        return False

    def _is_ours(self, worker: WorkerInfo) -> bool:
        """Alive and not frozen: the ledger lists the dead until their lease lapses."""
        if worker.draining or worker.pid in self._crew.frozen:
            return False
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(worker.pid).status() != psutil.STATUS_ZOMBIE
        return False

    def _freeze(self) -> bool:
        workers = [worker for worker in self._ledger.workers() if worker.kind == "transcribe" and self._is_ours(worker)]
        holders = [worker for worker in workers if held_by(self.redis, worker.incarnation)]
        if not workers:
            return False
        victim = self._random.choice(holders or workers)
        self._crew.freeze(victim.pid, self._crew.settings.lease_s + self._random.uniform(1.0, 6.0))
        return True

    def _drain(self, names: list[str]) -> bool:
        """SIGTERM; of several, the next once the last one's successor works, as a rolling restart goes."""
        before = self._live()
        for name in names:
            process = self._crew.program(name)
            process.terminate()
            with suppress(psutil.TimeoutExpired):
                process.wait(DRAIN_S)
            deadline = time.monotonic() + START_S
            while len(names) > 1 and self._live() < before and time.monotonic() < deadline:
                if self._stopped.wait(POLL_S):
                    return True
        return True

    def _live(self) -> int:
        return sum(self._is_ours(worker) for worker in self._ledger.workers())

    def _kill_redis(self) -> bool:
        self._crew.kill_redis()
        self._stopped.wait(self._random.uniform(0.2, 4.0))
        self._crew.restart_redis()
        return True

    def _delete_hints(self) -> bool:
        found = [key for pattern in CELERY_KEYS for key in self.redis.scan_iter(pattern)]
        return bool(found) and bool(self.redis.delete(*found))

    def _double_hints(self) -> bool:
        """All that wait at one moment, as soon as some do."""
        deadline = time.monotonic() + HOLDER_S
        while time.monotonic() < deadline and not self._stopped.wait(0.005):
            for queue in self.redis.scan_iter("tingxie.*", _type="list"):
                messages = self.redis.lrange(queue, 0, -1)
                if messages:
                    self.redis.rpush(queue, *messages)
                    return True
        return False

    def _reset(self) -> bool:
        before = self._crew.proxy.resets
        self._crew.proxy.reset()
        return self._crew.proxy.resets > before

    def _delay(self) -> bool:
        self._crew.proxy.delay(self._random.uniform(*LATE_S))
        return self._heal_later()

    def _blackhole(self) -> bool:
        self._crew.proxy.blackhole()
        return self._heal_later()

    def _heal_later(self) -> bool:
        self._stopped.wait(self._random.uniform(*NETWORK_S))
        self._crew.proxy.heal()
        return True
