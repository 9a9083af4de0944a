"""What `tingxie up` runs: which children, with which environment, on which port."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tingxie.child import ChildPlan
from tingxie.data_folder import DataFolder
from tingxie.errors import StackError
from tingxie.opening import Opening

BUNDLED_MODEL = "bundled"
#: loopback: opening a service to others is a decision, by --listen or by `tingxie web` behind a proxy
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Stack:
    """One machine's service: a front end, a prepare worker, and `workers` transcribe workers of one model."""

    data: DataFolder
    redis_url: str
    port: int
    workers: int
    model: str
    opening: Opening | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def plan_web(self) -> ChildPlan:
        return self._plan("web", "web")

    def plan_prepare(self) -> ChildPlan:
        return self._plan("prepare", "worker", "prepare")

    def plan_transcribe(self) -> list[ChildPlan]:
        return [self._plan(f"transcribe-{number}", "worker", "transcribe") for number in range(1, self.workers + 1)]

    def plan_recover(self) -> ChildPlan:
        return self._plan("recover", "recover")

    def has_jobs(self) -> bool:
        """Whether the store may hold jobs: only a new data folder is known to have none."""
        store = self.data.path / "store"
        return "TINGXIE_STORE_URL" in os.environ or any((store / kind).is_dir() for kind in ("jobs", "batches"))

    def _plan(self, name: str, *subcommand: str) -> ChildPlan:
        return ChildPlan(name, [sys.executable, "-m", "tingxie", *subcommand], self._environment(os.environ))

    def _environment(self, base: Mapping[str, str]) -> dict[str, str]:
        threads = base.get("TINGXIE_MODEL_THREADS") or str(max(1, usable_cores() // self.workers))
        return {
            **base,
            "TINGXIE_REDIS_URL": self.redis_url,
            "TINGXIE_DATA_DIR": str(self.data.path),
            "TINGXIE_HOST": ",".join(self._hosts()),
            "TINGXIE_PORT": str(self.port),
            "TINGXIE_MODEL": self.model,
            "TINGXIE_MODELS": "",  # each worker here serves that one
            "TINGXIE_MODEL_THREADS": threads,
            "PYTHONUNBUFFERED": "1",
            **({"TINGXIE_WORKER_TOKEN": self.opening.secrets.worker_token} if self.opening else {}),
        }

    def _hosts(self) -> list[str]:
        return list(dict.fromkeys([HOST, *([self.opening.address.ip] if self.opening else [])]))


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine's in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_port(wanted: int, ip: str = HOST) -> int:
    """The port if it is free, a free one for 0, on loopback and that address. Raises StackError where it is taken."""
    port = _bindable(HOST, wanted)
    return port if ip == HOST else _bindable(ip, port)


def _bindable(ip: str, wanted: int) -> int:
    with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((ip, wanted))
        except OSError as error:
            raise StackError(
                f"port {wanted}{'' if ip == HOST else f' of {ip}'} can't be used: {error.strerror}",
                remedy="Choose another with --port, or 0 for any.",
            ) from error
        port: int = probe.getsockname()[1]
    return port
