"""The Celery app that both sides share: queue names, the hint tasks' wire names, transport settings.

A message is a hint: it says only that there is work in a queue. Losing or doubling one changes nothing, because the
ledger is the truth and the reconciler sends hints anew.
"""

from importlib.metadata import version
from typing import Any

import structlog
from celery import Celery
from kombu import Connection
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from jobs.ledger.connection import sentinel_options
from jobs.redis_address import RedisAddress
from jobs.settings import Settings

log = structlog.get_logger()

#: queue of the CPU units (prepare and finish)
CPU_QUEUE = "tingxie.cpu"
#: wire names of the two tasks; a rename breaks workers of other versions on the same queue
CPU_TASK = "tingxie.work_cpu"
TRANSCRIBE_TASK = "tingxie.work_transcribe"

#: header of a hint: the version that sent it. A receiver needs none of it; it is there for whoever looks into a queue
VERSION_HEADER = "tingxie"

#: a queue that holds so many hints needs no more: each lets a worker go on until nothing is claimable
MOST_WAITING = 64
#: whoever sends a hint is in the way of a request or of a commit: one attempt, and no long one
SENDER_TRANSPORT: dict[str, Any] = {"socket_timeout": 2, "socket_connect_timeout": 2, "max_retries": 0}
#: connections of one process's senders
SENDER_CONNECTIONS = 4


def transcribe_queue(model_key: str) -> str:
    """The queue of one model, revision and dtype."""
    return f"tingxie.transcribe.{model_key}"


def make_celery(settings: Settings) -> Celery:
    """A Celery app without a connection; the first use connects."""
    app = Celery("tingxie", broker=settings.redis.broker_url)
    app.conf.update(
        broker_use_ssl=settings.redis.tls or None,
        task_serializer="json",
        accept_content=["json"],
        # Leases recover lost work; late acknowledgement would run long tasks twice, and early one can fail
        # (docs/decisions/): worker/program.py consumes without any.
        task_acks_late=False,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        # A prefork child that needs over 4 s to start is killed for ever with the default (FACTS: kill loop).
        worker_proc_alive_timeout=300,
        worker_soft_shutdown_timeout=30,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        # Liveness is the ledger's heartbeat, and nothing is revoked. A killed worker's pidbox stays in Redis until
        # another one sweeps it, an hour later; one that ends in order takes it along.
        worker_enable_remote_control=settings.remote_control,
        worker_send_task_events=settings.remote_control,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options={
            "socket_timeout": 15,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 10,
            **_sentinels(settings.redis),
        },
    )
    return app


def _sentinels(address: RedisAddress) -> dict[str, Any]:
    """What kombu wants to know besides the URL."""
    return {"master_name": address.master, "sentinel_kwargs": sentinel_options(address)} if address.master else {}


class Hinter:
    """Sends hints, from any thread. A failure to send is never an error for the caller: the reconciler makes up for it.

    Takes a few seconds at most where Redis is away.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._headers = {VERSION_HEADER: version("tingxie")}
        connection: Connection = app.connection_for_write(transport_options=SENDER_TRANSPORT)
        self._connections = connection.Pool(limit=SENDER_CONNECTIONS)

    def close(self) -> None:
        """Close the connections; a hint sent later opens new ones."""
        self._connections.force_close_all()

    def cpu(self, count: int = 1) -> int:
        """There are CPU units to claim; returns how many hints were sent."""
        return self._send(CPU_TASK, CPU_QUEUE, count)

    def transcribe(self, model_key: str, count: int = 1) -> int:
        """There are windows of this model to claim; returns how many hints were sent."""
        return self._send(TRANSCRIBE_TASK, transcribe_queue(model_key), count)

    def _send(self, task: str, queue: str, count: int) -> int:
        sent = 0
        try:
            with self._connections.acquire(block=True, timeout=SENDER_TRANSPORT["socket_timeout"]) as connection:
                missing = min(count, MOST_WAITING - _waiting(connection, queue))
                while sent < missing:
                    self._app.send_task(
                        task,
                        queue=queue,
                        connection=connection,
                        retry=False,
                        ignore_result=True,
                        headers=self._headers,
                    )
                    sent += 1
        except (KombuError, RedisError, OSError) as error:
            log.warning("hint.failed", queue=queue, error=str(error) or type(error).__name__)
        return sent

    def waiting(self, queue: str) -> int:
        """Hints that nobody has taken yet; as good as full where Redis is away."""
        try:
            with self._connections.acquire(block=True, timeout=SENDER_TRANSPORT["socket_timeout"]) as connection:
                return _waiting(connection, queue)
        except (KombuError, RedisError, OSError) as error:
            log.warning("hint.failed", queue=queue, error=str(error) or type(error).__name__)
            return MOST_WAITING


def _waiting(connection: Connection, queue: str) -> int:
    """Messages in the queue's list; hints have no priority, so the list bears the queue's own name."""
    channel: Any = connection.default_channel
    count: int = channel.client.llen(queue)
    return count
