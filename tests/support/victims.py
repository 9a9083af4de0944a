"""The worker that a fault is to hit: chosen while it holds units, and stopped first, so that what it holds is sure."""

import signal
import time
from dataclasses import dataclass, field

import psutil
from redis import Redis

from jobs.ledger import keys
from jobs.ledger.units import Kind
from tests.support.service import Service
from tests.support.waiting import eventually

#: from the kill of a worker until what it held may be claimed again, with default settings (issue: recovery)
RECOVERY_S = 20.0


def held_by(redis: Redis, incarnation: str) -> set[str]:
    """The units that an incarnation holds: `window:{job}:{index}`, `prepare:{job}`, `finish:{job}`."""
    return {unit.decode() for unit in redis.smembers(keys.key("held", incarnation=incarnation))}


def runs_any(redis: Redis, units: set[str]) -> bool:
    """Whether one of the units has been started: its forward or its decoding is on."""
    for unit in units:
        kind, job_id, *index = unit.split(":")
        if kind == "window":
            lease = redis.hget(keys.key("leases", job=job_id), index[0]) or b""
            if lease.split(b":")[1:2] == [b"1"]:
                return True
        elif redis.hget(keys.key("job", job=job_id), f"{kind}_started") == b"1":
            return True
    return False


@dataclass
class Victim:
    """A stopped process and the units that it holds."""

    running: Service
    redis: Redis
    process: psutil.Process
    incarnation: str
    units: set[str]
    struck_at: float = field(default_factory=time.monotonic)

    @property
    def name(self) -> str:
        """By which the service knows it; '' for a child of a prepare worker."""
        named = self.running.processes.items()
        return next((name for name, process in named if process.pid == self.process.pid), "")

    def kill(self) -> None:
        self.struck_at = time.monotonic()
        if self.name:
            self.running.kill(self.name, signal.SIGKILL)
        else:
            self.process.kill()

    def resume(self) -> None:
        self.process.resume()

    def recovered(self, within_s: float = RECOVERY_S) -> float:
        """Seconds from the blow until all that it held was taken from it; asserts that they are few."""
        eventually(lambda: not held_by(self.redis, self.incarnation), 3 * within_s)
        took_s = time.monotonic() - self.struck_at
        assert took_s < within_s
        return took_s


def stop(process: psutil.Process) -> None:
    """SIGSTOP; returns once it has stopped, which a busy process does a little later."""
    process.suspend()
    eventually(lambda: process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE), every_s=0.001)


def stop_holder(running: Service, redis: Redis, kind: Kind = "transcribe") -> Victim:
    """SIGSTOP a worker in the midst of a unit, as soon as there is one."""

    def stopped() -> Victim | None:
        for worker in running.workers(kind):
            if not runs_any(redis, held_by(redis, worker.incarnation)):
                continue
            process = psutil.Process(worker.pid)
            if process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE):
                continue
            stop(process)
            units = held_by(redis, worker.incarnation)
            if runs_any(redis, units):
                return Victim(running, redis, process, worker.incarnation, units)
            process.resume()
        return None

    victim = eventually(stopped, 60, every_s=0.005)
    assert victim is not None
    return victim
