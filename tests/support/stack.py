"""A whole `tingxie up` as a child process, and a way to see every process that descends from it."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psutil

from tests.support.waiting import eventually

#: loading torch and the bundled model takes 5 s on an idle machine; tests may share it with a training
READY_S = 180.0
_MARK = "TINGXIE_TEST_MARK"


@dataclass
class Up:
    """`mark` is in the environment of everything that it starts, grandchildren included."""

    process: "subprocess.Popen[bytes]"
    mark: str
    errors: Path
    data: Path
    lines: list[str] = field(default_factory=list)

    @classmethod
    def start(cls, data: Path, *options: str, environment: dict[str, str] | None = None) -> "Up":
        mark = uuid4().hex
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")}
        errors = data.parent / f"up-{mark}.stderr"
        with errors.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tingxie", "up", "--data", str(data), *options],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=file,
                # tests submit the same sound again to have it worked on
                env={**inherited, "TINGXIE_DEDUPE": "false", **(environment or {}), _MARK: mark},
            )
        up = cls(process, mark, errors, data)
        threading.Thread(target=up._read, daemon=True).start()
        return up

    @property
    def url(self) -> str:
        """Where it listens; waits until it is ready."""

        def ready() -> str:
            assert self.process.poll() is None, self.stderr()
            return next((line.removeprefix("ready ") for line in self.lines if line.startswith("ready ")), "")

        return eventually(ready, READY_S, every_s=0.1)

    def stderr(self) -> str:
        return self.errors.read_text()

    def family(self) -> list[psutil.Process]:
        """Everything that runs below it now: tethers, Redis, web, workers, their children."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def commands(self, *words: str) -> list[psutil.Process]:
        """The processes below it, tethers left out, whose command line holds the words; at least one."""
        found = [one for one in self.family() if _holds(one, words) and not _holds(one, ("tether.py",))]
        assert found, words
        return found

    def command(self, *words: str) -> psutil.Process:
        """The first of those."""
        return self.commands(*words)[0]

    def orphans(self) -> list[psutil.Process]:
        """What carries its mark though it has ended. Redis hides its environment: ask `family` before."""
        return [one for one in _marked(self.mark) if one.pid != self.process.pid]

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=90)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.decode().rstrip("\n"))


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:  # somebody else's, or gone since
            continue
    return found


def _holds(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        line = " ".join(process.cmdline())
    except psutil.Error:
        return False
    return all(word in line for word in words)
