"""The watchdog ends a process, so it is watched in one."""

import subprocess
import sys

import pytest

HANG = """
import threading
from worker.watchdog import Watchdog
from jobs.logs import configure_logs
from jobs.settings import Settings
configure_logs(Settings())
watchdog = Watchdog("forward.hung", 0.2)
with watchdog.watching(windows=["quick:1"]):
    pass
with watchdog.watching(windows=["job:7"]):
    threading.Event().wait()
"""
#: a loop in C that never lets another thread run: 30 s of it, did nobody step in
HANG_WITH_THE_LOCK = """
import re
from worker import watchdog
watchdog.INTERPRETER_GRACE_S = 0.2
with watchdog.Watchdog("forward.hung", 0.2).watching(windows=["job:7"]):
    re.match("(a*)*b", "a" * 40)
"""


def test_what_takes_too_long_ends_the_process_with_a_reason() -> None:
    ended = subprocess.run([sys.executable, "-c", HANG], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 70
    assert "forward.hung" in ended.stderr
    assert "job:7" in ended.stderr


@pytest.mark.full
def test_even_where_no_python_can_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANG_WITH_THE_LOCK], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
