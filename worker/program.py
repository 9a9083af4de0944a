"""The Celery worker as our processes run it: quiet, logging our way, ended by signals as the supervisor expects."""

import os
import signal
import sys
import warnings
from types import FrameType
from typing import Any, Literal, NoReturn

import structlog
from celery import Celery, signals
from celery.apps.worker import Worker
from celery.exceptions import SecurityWarning
from celery.worker import WorkController
from kombu import Exchange, Queue

from worker.drain import Drain

log = structlog.get_logger()


class Program(Worker):
    """SIGTERM, SIGINT and SIGHUP drain; a second one of them, or SIGQUIT, ends the process at once."""

    def __init__(self, *, drain: Drain, **options: Any) -> None:
        self._drain = drain
        super().__init__(**options)

    def install_platform_tweaks(self, worker: WorkController) -> None:
        super().install_platform_tweaks(worker)
        celery_handler: Any = signal.getsignal(signal.SIGTERM)

        def drain_or_end(number: int, frame: FrameType | None) -> None:
            if self._drain.requested:
                os._exit(128 + number)
            self._drain.request()
            celery_handler(signal.SIGTERM, frame)

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, drain_or_end)
        signal.signal(signal.SIGQUIT, lambda number, _frame: os._exit(128 + number))


def end(status: int) -> NoReturn:
    """End this process at once: all is handed back, and taking the native libraries apart would take seconds."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def run_program(
    app: Celery,
    drain: Drain,
    *,
    name: str,
    queue: str,
    pool: Literal["threads", "prefork"],
    concurrency: int,
) -> int:
    """Consume `queue` until a signal drains this process; returns its exit status."""

    def keep_ours(**_: Any) -> None:
        """Somebody listens to this signal, so Celery leaves the loggers alone."""

    def ready(**_: Any) -> None:
        log.info("worker.ready", name=name, queue=queue)

    # A hint that is lost costs nothing, so none is kept for acknowledgement: where that fails, kombu's transport for
    # Redis keeps the message's place in the prefetch count for ever, and takes no other any more.
    app.amqp.queues.add(Queue(queue, Exchange(queue), routing_key=queue, no_ack=True))
    signals.setup_logging.connect(keep_ours, weak=False)
    signals.worker_ready.connect(ready, weak=False)
    # Root in a container is usual, and JSON messages can't run code.
    warnings.simplefilter("ignore", SecurityWarning)
    worker = Program(
        drain=drain,
        app=app,
        hostname=f"{name}@%h",
        queues=[queue],
        pool_cls=pool,
        concurrency=concurrency,
        quiet=True,
        without_mingle=True,
        without_gossip=True,
        without_heartbeat=True,
        loglevel="WARNING",
    )
    worker.start()
    log.info("worker.ended", name=name, drained=drain.requested)
    return 0 if drain.requested else int(worker.exitcode or 0)
