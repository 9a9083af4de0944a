"""The gunicorn server around the application: one process, many threads, on a socket that we bound ourselves."""

import errno
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

from apiflask import APIFlask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from jobs.broker import Hinter, make_celery
from jobs.errors import SetupError
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import open_store
from web.app import create_app
from web.background import start_entering
from web.reaping import start_reaping
from web.refusals import refuse
from web.services import EXTENSION

#: How long a stopping server lets requests go on, in seconds. Polls that wait end at once; uploads may take longer.
GRACE_S = 30
#: A process whose main thread has not moved for this long is replaced: only after a freeze of the whole machine.
FROZEN_S = 120
#: Connections that wait for the next request cost no thread.
CONNECTIONS = 2000
KEEPALIVE_S = 15
#: the most that gunicorn can; every valid query of ours fits, in Chinese too
REQUEST_LINE_BYTES = 8190


def listen_all(hosts: str, port: int) -> list[socket.socket]:
    """A listening socket for each of the addresses, all on one port. Raises SetupError."""
    first, *others = (host.strip() for host in hosts.split(","))
    listener = listen(first, port)
    return [listener, *(listen(host, listener.getsockname()[1]) for host in others)]


def listen(host: str, port: int) -> socket.socket:
    """A listening socket (port 0: any free one). Raises SetupError with the reason."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as error:
        why = "is taken by another program" if error.errno == errno.EADDRINUSE else f"can't be used: {error.strerror}"
        raise SetupError(f"{host}:{port} {why}", remedy="Choose another port: --port, or TINGXIE_PORT.") from error


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """Runs until SIGTERM; the application is made in the process that serves, so no connection crosses a fork."""

    def __init__(self, settings: Settings, listeners: Sequence[socket.socket]) -> None:
        self.stopping = threading.Event()
        self._settings = settings
        self._descriptors = [listener.detach() for listener in listeners]  # gunicorn's from here on
        super().__init__()

    def load_config(self) -> None:
        chosen: dict[str, Any] = {
            "bind": [f"fd://{descriptor}" for descriptor in self._descriptors],
            "workers": 1,
            "threads": self._settings.web_threads + self._settings.web_streams,
            "worker_class": DrainingWorker,
            "pre_request": _offer_close,
            "worker_connections": CONNECTIONS,
            "limit_request_line": REQUEST_LINE_BYTES,
            "keepalive": KEEPALIVE_S,
            "timeout": FROZEN_S,
            "graceful_timeout": GRACE_S,
            "logger_class": PassedOn,
            "loglevel": "warning",
            "control_socket_disable": True,
            "proc_name": "tingxie web",
        }
        for name, value in chosen.items():
            self.cfg.set(name, value)

    def load(self) -> APIFlask:
        settings = self._settings
        ledger = Ledger.connect(settings, in_haste=True)
        start_reaping(ledger, settings, self.stopping)
        app = create_app(
            settings,
            ledger,
            open_store(settings.store),
            Hinter(make_celery(settings)),
            stopping=self.stopping,
        )
        start_entering(app.extensions[EXTENSION])
        return app


def _offer_close(_worker: ThreadWorker, request: Any) -> None:
    """Let the application end the connection (web.upload): WSGI gives it no other way to."""
    request.body.close_connection = request.force_close


class DrainingWorker(ThreadWorker):  # type: ignore[misc]
    """Tells the application when it has to come to an end, so that waiting polls don't hold it up.

    What it can't read it refuses as the application would.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.app.stopping.set()
        super().handle_exit(sig, frame)

    def handle_error(self, _request: Any, client: socket.socket, _address: Any, error: BaseException) -> None:
        """In place of gunicorn's page in HTML."""
        with suppress(OSError):  # the client has gone
            refuse(client, error)


class PassedOn(Logger):  # type: ignore[misc]
    """gunicorn's own log lines, by the root logger like all others."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
