"""What the processes of a `tingxie up` hold above their level when they had nothing to do."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import psutil  # type: ignore[import-untyped]

#: role → the words that follow `-m tingxie` in its command
COMMANDS = {"web": ["web"], "cpu": ["worker", "prepare"], "transcribe": ["worker", "transcribe"]}
PERIOD_S = 0.05


@dataclass(slots=True)
class Memory:
    """Made while all is idle. `stage`: what the work is at, by whoever knows; peaks are kept for each."""

    processes: dict[str, list[psutil.Process]]
    idle: dict[int, int]
    stage: str = ""
    peaks: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))

    @classmethod
    def of_stack(cls) -> "Memory":
        """Of the stack that this process has started."""
        family = psutil.Process().children(recursive=True)
        heads = {role: [one for one in family if _runs(one, words)] for role, words in COMMANDS.items()}
        processes = {role: [each for one in found for each in _whole(one)] for role, found in heads.items()}
        assert all(processes.values()), processes
        return cls(processes, {one.pid: one.memory_info().rss for found in processes.values() for one in found})

    @contextmanager
    def watched(self) -> Iterator[None]:
        done = threading.Event()
        watching = threading.Thread(target=self._watch, args=(done,))
        watching.start()
        try:
            yield
        finally:
            done.set()
            watching.join()

    def above_idle_mb(self, role: str, *stages: str) -> float:
        """The most that one process of a role had risen by, in any of the stages (all, where none is named)."""
        return max((peak for (who, when), peak in self.peaks.items() if who == role and when in (stages or [when])),
                   default=0) / 1e6  # fmt: skip

    def _watch(self, done: threading.Event) -> None:
        while not done.is_set():
            for role, found in self.processes.items():
                for one in found:
                    with suppress(psutil.NoSuchProcess):
                        rise = one.memory_info().rss - self.idle[one.pid]
                        self.peaks[role, self.stage] = max(self.peaks[role, self.stage], rise)
            time.sleep(PERIOD_S)


def _runs(process: psutil.Process, words: list[str]) -> bool:
    with suppress(psutil.Error):
        line: list[str] = process.cmdline()
        return line[1 : 3 + len(words)] == ["-m", "tingxie", *words]
    return False


def _whole(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]
