"""What `tingxie up` runs: which children, with which environment, on which port."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from tingxie.child import ChildPlan
from tingxie.data_folder import DataFolder
from tingxie.errors import StackError

BUNDLED_MODEL = "bundled"
#: loopback: opening a service to others is a decision for whoever runs `tingxie web` behind a proxy
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Stack:
    """One machine's service: a front end, a prepare worker, and `workers` transcribe workers of one model."""

    data: DataFolder
    redis_url: str
    port: int
    workers: int
    model: str

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
            "TINGXIE_HOST": HOST,
            "TINGXIE_PORT": str(self.port),
            "TINGXIE_MODEL": self.model,
            "TINGXIE_MODEL_THREADS": threads,
            "PYTHONUNBUFFERED": "1",
        }


def usable_cores() -> int:
    """Cores that this process may use: fewer than the machine's in a container or under taskset."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def choose_port(wanted: int) -> int:
    """The port if it is free, a free one for 0. Raises StackError where it is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just left is free
        try:
            probe.bind((HOST, wanted))
        except OSError as error:
            raise StackError(
                f"port {wanted} can't be used: {error.strerror}", remedy="Choose another with --port, or 0 for any."
            ) from error
        port: int = probe.getsockname()[1]
    return port
