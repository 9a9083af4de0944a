"""A front end in a process of its own, started as a user starts it."""

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil

from tests.support.waiting import eventually

#: A busy machine may take long to import everything.
START_S = 90.0


class WebServer:
    """`tingxie web` on a free port. Leave the block, and it has ended."""

    def __init__(self, folder: Path, *, redis_url: str, **settings: object) -> None:
        self.folder = folder
        self._log = folder / "web.log"
        chosen = {f"TINGXIE_{name.upper()}": str(value) for name, value in settings.items()}
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")},
            "TINGXIE_REDIS_URL": redis_url,
            "TINGXIE_DATA_DIR": str(folder / "data"),
            "TINGXIE_DEDUPE": "false",  # tests submit the same sound again to have it worked on
            **chosen,
        }

    def __enter__(self) -> Self:
        self._start(port=0)
        return self

    def restart(self) -> None:
        """Start it again, on the same port, after it has ended."""
        self.client.close()
        self._start(port=int(self.url.rpartition(":")[2]))

    def _start(self, *, port: int) -> None:
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tingxie", "web", "--port", str(port)],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.url = eventually(self._address, START_S)
            self.client = httpx.Client(base_url=self.url, timeout=60.0)
            eventually(self._alive, START_S)
        except BaseException:
            self.process.kill()
            raise

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.client.close()
        self.process.terminate()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def store(self) -> Path:
        return self.folder / "data" / "store"

    def stored(self) -> list[str]:
        """The files in the store, by name; folders may go while we look."""
        found = (Path(folder, name) for folder, _, names in os.walk(self.store) for name in names)
        return sorted(path.relative_to(self.store).as_posix() for path in found)

    def worker_process(self) -> psutil.Process:
        """The process that serves; its parent only looks after it."""
        [child] = psutil.Process(self.process.pid).children()
        return child

    def _address(self) -> str:
        assert self.process.poll() is None, self.log
        found = [line.split()[1] for line in self.log.splitlines() if line.startswith("listening ")]
        return found[0] if found else ""

    def _alive(self) -> bool:
        try:
            return self.client.get("/healthz").is_success
        except httpx.TransportError:
            return False
