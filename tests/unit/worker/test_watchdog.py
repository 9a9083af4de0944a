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


WAITING = """
import time
from worker import watchdog
watchdog.WORTH_S, watchdog.INTERPRETER_GRACE_S = 0.0, 0.1
dog = watchdog.Watchdog("unit.hung", 0.3)
with dog.watching(job_id="slow"):
    for _ in range(8):
        time.sleep(0.1)
        dog.extend(0.1)
dog.extend(0.1)  # nothing is watched
with dog.watching(job_id="hung"):
    dog.extend(0.1)
    time.sleep(30)
"""


def test_a_wait_for_the_store_is_not_held_against_a_unit() -> None:
    ended = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, timeout=20, check=False)
    assert ended.returncode == 70, ended.stderr
    assert "job_id=hung" in ended.stdout + ended.stderr


@pytest.mark.full
def test_even_where_no_python_can_run() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", HANG_WITH_THE_LOCK], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert "Timeout" in ended.stderr
