"""The prepare worker's processes: a parent that only dispatches, children that decode, cut and finish.

Each child claims for itself: its own incarnation, heartbeat and limits, all made after the fork.
"""

from typing import Any

from celery import signals

from jobs.broker import CPU_QUEUE, Hinter, make_celery
from jobs.ledger import Ledger
from jobs.logs import configure_logs
from jobs.settings import Settings
from jobs.store import open_store
from worker.cpu import CpuWorker
from worker.drain import Drain
from worker.heartbeat import Heartbeat, new_incarnation
from worker.memory import keep_freed_memory, limit_memory
from worker.outgoing import Outgoing
from worker.own_store import open_own_store
from worker.periodic import Periodic
from worker.program import run_program
from worker.slots import Slots
from worker.tasks import add_cpu_task
from worker.upkeep import Upkeep
from worker.watchdog import Watchdog
from worker.webhooks import Webhooks

#: a child that has needed this share of its memory limit is replaced between two tasks: what one file left behind
#: must not make another one fail
REPLACE_SHARE = 0.5
#: most receivers answer within this time; what they don't answer then is sent again by others
WEBHOOKS_STOP_S = 2.0


class PrepareChild:
    """One child. Made empty in the parent, brought to life by `start` after the fork."""

    def __init__(self, settings: Settings, drain: Drain) -> None:
        self._settings = settings
        self._drain = drain
        self._worker: CpuWorker | None = None
        self._upkeep: Upkeep | None = None
        self._webhooks: Webhooks | None = None

    def start(self, **_: Any) -> None:
        """Celery's worker_process_init."""
        settings, incarnation = self._settings, new_incarnation("cpu")
        configure_logs(settings, worker=incarnation)
        limit_memory(settings.prepare_memory_bytes)
        keep_freed_memory()
        ledger, store = Ledger.connect(settings), open_store(settings.store)
        hinter, slots, outgoing = Hinter(make_celery(settings)), Slots(1), Outgoing(settings.allowed)
        heartbeat = Heartbeat(ledger, incarnation, "cpu", period_s=settings.heartbeat_s, slots=slots, drain=self._drain)
        self._worker = CpuWorker(
            ledger,
            store,
            hinter,
            settings,
            incarnation=incarnation,
            slots=slots,
            drain=self._drain,
            watchdog=Watchdog("unit.hung", settings.prepare_timeout_s),
            outgoing=outgoing,
        )
        self._webhooks = Webhooks(ledger, store, settings, outgoing, incarnation=incarnation)
        deliver = Periodic("webhooks", settings.reconcile_s, self._webhooks.deliver)
        self._upkeep = Upkeep(heartbeat, ledger, store, hinter, settings, incarnation=incarnation, more=[deliver])
        self._upkeep.start()

    def work(self) -> None:
        """The task's body."""
        if self._worker is not None:  # else this child is being ended before it began
            self._worker.work()

    def stop(self, **_: Any) -> None:
        """Celery's worker_process_shutdown."""
        if self._upkeep is not None:
            self._upkeep.stop()
        if self._webhooks is not None:
            self._webhooks.stop(WEBHOOKS_STOP_S)


def run_prepare(settings: Settings) -> int:
    """Work until a signal drains this process and its children; returns the exit status. Raises SetupError."""
    configure_logs(settings, worker="cpu")
    open_own_store(settings)
    drain = Drain()
    child = PrepareChild(settings, drain)
    app = make_celery(settings)
    app.conf.worker_max_memory_per_child = int(REPLACE_SHARE * settings.prepare_memory_bytes / 1024)  # KiB
    add_cpu_task(app, child.work)
    signals.worker_process_init.connect(child.start, weak=False)
    signals.worker_process_shutdown.connect(child.stop, weak=False)
    return run_program(
        app,
        drain,
        name=new_incarnation("cpu"),
        queue=CPU_QUEUE,
        pool="prefork",
        concurrency=settings.prepare_processes,
    )
