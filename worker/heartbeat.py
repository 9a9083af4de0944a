"""The heartbeat: what keeps an incarnation's leases, and tells the ledger what it is and what it can take."""

import os
import platform
import secrets
from collections.abc import Callable
from importlib.metadata import version

import structlog

from jobs.ledger import Ledger, WorkerInfo
from jobs.ledger.units import DeviceMemory, Kind, Work
from jobs.model import ModelSpec
from worker.drain import Drain
from worker.periodic import Periodic
from worker.slots import Slots

log = structlog.get_logger()

#: read once: the package's metadata is a file
VERSION = version("tingxie")


def new_incarnation(kind: Kind) -> str:
    """A name for a process that claims units: never the same twice, so the dead are never taken for the living."""
    return f"{kind}-{secrets.token_hex(6)}"


class Heartbeat:
    """Beats every `period_s` from a thread of its own, also while Redis is away or this process was frozen: whether
    its leases still hold is for the ledger to say (fences).

    spec: the model that a transcribe worker serves; announced, and announced again should Redis lose its data.
    speed: seconds of audio per second, measured lately. work: what was done since the start. memory: of the
    device.
    """

    def __init__(
        self,
        ledger: Ledger,
        incarnation: str,
        kind: Kind,
        *,
        period_s: float,
        slots: Slots,
        drain: Drain,
        spec: ModelSpec | None = None,
        speed: Callable[[], float] = lambda: 0.0,
        work: Callable[[], Work] = Work,
        memory: Callable[[], DeviceMemory] = DeviceMemory,
    ) -> None:
        self._ledger = ledger
        self._incarnation = incarnation
        self._kind: Kind = kind
        self._slots = slots
        self._drain = drain
        self._spec = spec
        self._speed = speed
        self._work = work
        self._memory = memory
        self._periodic = Periodic("heartbeat", period_s, self.beat)

    def start(self) -> None:
        self._periodic.start()

    def stop(self, timeout_s: float) -> None:
        self._periodic.stop(timeout_s)

    def beat(self) -> None:
        known = self._ledger.beat(self._describe())
        if not known and self._spec is not None:
            log.warning("model.forgotten", model=self._spec.model)
            self._ledger.announce(self._spec)
            self._ledger.beat(self._describe())

    def _describe(self) -> WorkerInfo:
        draining = self._drain.requested
        return WorkerInfo(
            incarnation=self._incarnation,
            kind=self._kind,
            host=platform.node(),
            pid=os.getpid(),
            model_keys=(self._spec.key,) if self._spec else (),
            idle_slots=0 if draining else self._slots.idle,
            speed=self._speed(),
            version=VERSION,
            draining=draining,
            work=self._work(),
            memory=self._memory(),
        )
