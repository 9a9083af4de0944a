"""A prepare worker that takes its time over each window, so that a test can strike in mid-file."""

import time

from jobs.settings import Settings
from worker.cutting import CutWindow
from worker.prepare_process import run_prepare
from worker.program import end
from worker.registrar import Registrar

SECONDS_A_WINDOW = 0.3


def be_slow() -> None:
    write = Registrar.write

    def slow_write(self: Registrar, cut: CutWindow) -> None:
        time.sleep(SECONDS_A_WINDOW)
        write(self, cut)

    Registrar.write = slow_write  # type: ignore[method-assign]


if __name__ == "__main__":
    be_slow()
    end(run_prepare(Settings()))
