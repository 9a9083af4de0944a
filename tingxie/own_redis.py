"""The Redis of `tingxie up`: somebody else's by TINGXIE_REDIS_URL, or our own child, started again where it dies."""

import re
import socket
from urllib.parse import urlsplit

import typer

from tingxie import redis_server
from tingxie.data_folder import DataFolder
from tingxie.errors import StackError
from tingxie.redis_server import Opened, RedisNotStarted, RedisServer

_DEFAULT_PORT, _SENTINEL_PORT = 6379, 26379
_CONNECT_S = 5.0


class OwnRedis:
    """Our own server, in the data folder, on one port for as long as the stack lives."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server

    @classmethod
    def start(cls, folder: DataFolder, *, port: int = 0, opened: Opened | None = None) -> "OwnRedis":
        """Raises StackError where there is no Redis on this machine or it doesn't start."""
        try:
            return cls(redis_server.start(folder.redis, port=port, opened=opened))
        except RedisNotStarted as error:
            raise StackError(str(error)) from error

    @property
    def url(self) -> str:
        return self._server.url

    def is_empty(self) -> bool:
        """Whether it holds nothing at all; a new one does not, nor one whose data was lost."""
        opened = self._server.opened
        return redis_server.is_empty(self._server.port, password=opened.password if opened else "")

    def look_after(self) -> bool:
        """Start it again, on the same port and data, if it has ended; says whether it had. Raises StackError."""
        status = self._server.process.poll()
        if status is None:
            return False
        typer.echo(f"redis ended (status {status}), restarting", err=True)
        self._server.stop()
        try:
            before = self._server
            self._server = redis_server.start(before.folder, port=before.port, opened=before.opened)
        except RedisNotStarted as error:
            raise StackError(str(error)) from error
        return True

    def stop(self) -> None:
        self._server.stop()


def without_password(url: str) -> str:
    """A Redis URL as it may be shown in a terminal or a log."""
    parts = urlsplit(url)
    shown = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return re.sub(r"(password)=[^&]*", r"\1=…", shown)


def check_reachable(url: str) -> None:
    """Raises StackError where nobody listens at a Redis URL, of several Sentinels at none.

    What Redis itself thinks of us, web's /readyz tells.
    """
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return
    default_port = _SENTINEL_PORT if parts.scheme.startswith("sentinel") else _DEFAULT_PORT
    failed = []
    for each in re.split("[,;]", parts.netloc.rpartition("@")[2]):
        one = urlsplit(f"//{each}")
        host, port = one.hostname or "localhost", one.port or default_port
        try:
            socket.create_connection((host, port), timeout=_CONNECT_S).close()
        except OSError as error:
            failed.append(f"{host}:{port}: {error.strerror or error}")
        else:
            return
    raise StackError(
        f"Redis can't be reached at {', '.join(failed)}",
        remedy="Start it, correct TINGXIE_REDIS_URL, or unset it to let `tingxie up` start one.",
    )
