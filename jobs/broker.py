"""The Celery app that both sides share: queue names, the hint tasks' wire names, transport settings.

A message is a hint: it says only that there is work in a queue. Losing or doubling one changes nothing, because the
ledger is the truth and the reconciler sends hints anew.
"""

from celery import Celery

from jobs.settings import Settings

#: queue of the CPU units (prepare and finish)
CPU_QUEUE = "tingxie.cpu"
#: wire names of the two tasks; a rename breaks workers of other versions on the same queue
CPU_TASK = "tingxie.work_cpu"
TRANSCRIBE_TASK = "tingxie.work_transcribe"


def transcribe_queue(model_key: str) -> str:
    """The queue of one model, revision and dtype."""
    return f"tingxie.transcribe.{model_key}"


def make_celery(settings: Settings) -> Celery:
    """A Celery app without a connection; the first use connects."""
    app = Celery("tingxie", broker=settings.redis_url)
    app.conf.update(
        task_serializer="json",
        accept_content=["json"],
        # Leases recover lost work; late acknowledgement would run long tasks twice (docs/decisions/).
        task_acks_late=False,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        # A prefork child that needs over 4 s to start is killed for ever with the default (FACTS: kill loop).
        worker_proc_alive_timeout=300,
        worker_soft_shutdown_timeout=30,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
    )
    return app


class Hinter:
    """Sends hints. A failure to send is never an error for the caller: the reconciler makes up for it."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def cpu(self, count: int = 1) -> None:
        self._send(CPU_TASK, CPU_QUEUE, count)

    def transcribe(self, model_key: str, count: int = 1) -> None:
        self._send(TRANSCRIBE_TASK, transcribe_queue(model_key), count)

    def _send(self, task: str, queue: str, count: int) -> None:
        for _ in range(count):
            # No retries: whoever sends is in the way of a request or of a commit.
            self._app.send_task(task, queue=queue, retry=False, ignore_result=True)
