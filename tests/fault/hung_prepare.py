"""A prepare worker that hangs in every file, as a decoder may in a damaged one."""

import threading

from jobs.settings import Settings
from worker.cutting import CutWindow
from worker.prepare_process import run_prepare
from worker.program import end
from worker.registrar import Registrar


def hang(_: Registrar, _cut: CutWindow) -> None:
    threading.Event().wait()


if __name__ == "__main__":
    Registrar.write = hang  # type: ignore[method-assign]
    end(run_prepare(Settings()))
