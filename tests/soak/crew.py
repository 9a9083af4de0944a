"""The processes of a soak: Redis, the front end, prepare and transcribe workers; started again when they end.

Everything is tethered (tingxie/tether.py): however the soak ends, nothing of it stays behind.
"""

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.support.proxy import Proxy
from tests.support.waiting import eventually
from tingxie import redis_server, tether
from tingxie.client import Client
from tingxie.errors import TingxieClientError
from tingxie.stack import HOST, choose_port

TRANSCRIBERS = tuple(f"transcribe-{number}" for number in (1, 2, 3))
PREPARERS = ("prepare-1", "prepare-2")
READY_S = 180.0
GRACE_S = 20.0


@dataclass
class Crew:
    folder: Path
    model: Path
    redis: redis_server.RedisServer
    #: what all of them reach Redis through
    proxy: Proxy
    settings: Settings
    port: int
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    #: frozen program → when to let it go on (monotonic)
    frozen: dict[int, float] = field(default_factory=dict)
    restarts: int = 0
    _logs: dict[str, IO[bytes]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    @classmethod
    def start(cls, folder: Path, model: Path) -> "Crew":
        folder.mkdir(parents=True)
        redis = redis_server.start(folder / "redis")
        settings = Settings(redis_url=redis.url, data_dir=folder / "data")
        crew = cls(folder, model, redis, Proxy(redis.port), settings, choose_port(0))
        try:
            for name in ("web", *PREPARERS, *TRANSCRIBERS):
                crew._start(name)
            eventually(crew._is_complete, READY_S, every_s=0.2)
        except BaseException:
            crew.stop()
            raise
        return crew

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def tend(self) -> None:
        """Start again what has ended, let go on what was frozen long enough. Call it a few times a second."""
        with self._lock:
            for pid, until in list(self.frozen.items()):
                if time.monotonic() >= until:
                    self._resume(pid)
            for name, process in list(self.processes.items()):
                if not self._closed and process.poll() is not None:
                    self.restarts += 1
                    self._start(name)

    def freeze(self, pid: int, for_s: float) -> None:
        with self._lock, suppress(psutil.NoSuchProcess):
            psutil.Process(pid).suspend()
            self.frozen[pid] = time.monotonic() + for_s

    def program(self, name: str) -> psutil.Process:
        """A member's own process, below its tether. Raises psutil.NoSuchProcess while it is between two lives."""
        return _below(self.processes[name])

    def kill_redis(self) -> None:
        _below(self.redis.process).kill()
        self.redis.process.wait()

    def restart_redis(self) -> None:
        """On the same port, with what its append-only file holds."""
        with self._lock:
            if not self._closed:
                self.redis = redis_server.start(self.redis.folder, port=self.redis.port)

    def stop(self) -> None:
        with self._lock:
            self._closed = True
            for pid in list(self.frozen):
                self._resume(pid)
            for process in self.processes.values():
                assert process.stdin is not None
                process.stdin.close()
            for process in self.processes.values():
                process.wait()
            self.proxy.close()
            self.redis.stop()
            for log in self._logs.values():
                log.close()

    def _resume(self, pid: int) -> None:
        del self.frozen[pid]
        with suppress(psutil.NoSuchProcess):
            psutil.Process(pid).resume()

    def _start(self, name: str) -> None:
        if name not in self._logs:
            self._logs[name] = (self.folder / f"{name}.log").open("ab")
        command = ["web"] if name == "web" else ["worker", name.partition("-")[0]]
        self.processes[name] = tether.popen(
            [sys.executable, "-m", "tingxie", *command],
            grace_s=GRACE_S,
            output=self._logs[name],
            env=self.environment(),
        )

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")}
        return {
            **inherited,
            "TINGXIE_REDIS_URL": self.proxy.url,
            "TINGXIE_DATA_DIR": str(self.settings.data_dir),
            "TINGXIE_PORT": str(self.port),
            "TINGXIE_MODEL": str(self.model),
            "TINGXIE_DTYPE": "float32",
            "TINGXIE_MODEL_THREADS": "1",
            "TINGXIE_PREPARE_PROCESSES": "1",
            "TINGXIE_DEDUPE": "false",  # a recording is submitted many times, and transcribed each time
        }

    def _is_complete(self) -> bool:
        ended = [name for name, process in self.processes.items() if process.poll() is not None]
        if ended:
            raise RuntimeError(f"ended at once: {', '.join(ended)}; see {self.folder}")
        ledger = Ledger.connect(self.settings)
        try:
            live = len(ledger.workers())
            with Client(self.url, timeout_s=5.0, patience_s=0.0) as client:
                return live == len(PREPARERS + TRANSCRIBERS) and bool(client.readiness()["ready"])
        except TingxieClientError:
            return False
        finally:
            ledger.close()


def _below(tethered: "subprocess.Popen[bytes]") -> psutil.Process:
    children = psutil.Process(tethered.pid).children()
    if not children:
        raise psutil.NoSuchProcess(tethered.pid)
    return children[0]
