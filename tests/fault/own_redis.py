"""A Redis that a test may kill, freeze, fill and empty."""

import shutil
from pathlib import Path

import psutil
from redis import Redis

from tingxie import redis_server


class OwnRedis:
    """One port and one folder for as long as the test lives, whatever becomes of the process."""

    def __init__(self, folder: Path) -> None:
        self._server = redis_server.start(folder)

    @property
    def url(self) -> str:
        return self._server.url

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def program(self) -> psutil.Process:
        """redis-server itself, below its tether."""
        [child] = psutil.Process(self._server.process.pid).children()
        return child

    @property
    def append_only_file(self) -> Path:
        """Where all data is; Redis 7 makes a folder of it."""
        found = [path for path in self._server.folder.iterdir() if path.name.startswith("appendonly")]
        return found[0]

    def client(self) -> Redis:
        return Redis.from_url(self.url)

    def kill(self) -> None:
        self.program.kill()
        self._server.process.wait()
        self._server.stop()

    def start(self) -> None:
        """On what the append-only file holds."""
        self._server = redis_server.start(self._server.folder, port=self._server.port)

    def restart_with(self, append_only_file: Path) -> None:
        """After `kill`: on an older copy of the append-only file."""
        place = self.append_only_file
        (shutil.rmtree if place.is_dir() else Path.unlink)(place)
        (shutil.copytree if append_only_file.is_dir() else shutil.copy2)(append_only_file, place)
        self.start()

    def stop(self) -> None:
        self._server.stop()
