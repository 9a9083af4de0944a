"""A tethered child: its status, its signals, and its end when its parent ends, however that ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.waiting import eventually
from tingxie import tether

#: says where it is, has a child of its own, and takes no notice of SIGTERM
STUBBORN = """
import os, pathlib, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path(sys.argv[1], "term").touch())
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[1], "pids.part").write_text(f"{os.getpid()} {child.pid}")
pathlib.Path(sys.argv[1], "pids.part").rename(pathlib.Path(sys.argv[1], "pids"))
while True:
    time.sleep(600)
"""
#: holds such a child, and does nothing
PARENT = """
import sys, time
from tingxie import tether
process = tether.popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], grace_s=0.5)
time.sleep(600)
"""


def pids(folder: Path) -> list[int]:
    eventually((folder / "pids").exists)
    return [int(pid) for pid in (folder / "pids").read_text().split()]


def are_gone(numbers: list[int]) -> bool:
    """Zombies count as gone: in a container without an init nobody reaps an orphan."""

    def runs(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    return not any(runs(pid) for pid in numbers)


@pytest.fixture
def stubborn(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", STUBBORN, str(tmp_path)]


@pytest.mark.parametrize(
    ("script", "status"),
    [("raise SystemExit(7)", 7), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", 128 + 9)],
)
def test_the_status_is_the_commands(script: str, status: int) -> None:
    process = tether.popen([sys.executable, "-c", script])
    assert process.wait() == status
    assert tether.stop(process) == status


def test_a_command_that_does_not_exist(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        process = tether.popen([str(tmp_path / "nothing")], output=log)
    assert process.wait() == tether.NOT_STARTED
    assert "No such file" in (tmp_path / "log").read_text()
    tether.stop(process)


def test_sigterm_goes_on_to_the_command_only(tmp_path: Path, stubborn: list[str]) -> None:
    process = tether.popen(stubborn, grace_s=0.5)
    found = pids(tmp_path)
    process.terminate()
    eventually((tmp_path / "term").exists)
    assert process.poll() is None
    assert tether.stop(process) == 128 + 9
    assert are_gone(found)


def test_sigquit_ends_the_group_at_once(tmp_path: Path, stubborn: list[str]) -> None:
    process = tether.popen(stubborn, grace_s=600.0)
    found = pids(tmp_path)
    process.send_signal(signal.SIGQUIT)
    assert process.wait(timeout=30) == 128 + 9
    assert not (tmp_path / "term").exists()
    eventually(lambda: are_gone(found))
    tether.stop(process)


def test_what_a_command_leaves_behind_ends_with_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid)"
    )
    with (tmp_path / "log").open("wb") as log:
        process = tether.popen([sys.executable, "-c", script], output=log)
    assert process.wait() == 0
    eventually(lambda: are_gone([int((tmp_path / "log").read_text())]))
    tether.stop(process)


def test_a_parent_killed_takes_its_child_along(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, STUBBORN, str(tmp_path)])
    found = pids(tmp_path)
    parent.kill()
    parent.wait()
    eventually((tmp_path / "term").exists)
    eventually(lambda: are_gone(found))


@pytest.mark.skipif(sys.platform != "linux", reason="needs prctl")
def test_a_killed_middle_process_takes_the_command_along(tmp_path: Path, stubborn: list[str]) -> None:
    process = tether.popen(stubborn, grace_s=600.0)
    command, grandchild = pids(tmp_path)
    process.kill()
    process.wait()
    eventually(lambda: are_gone([command]))
    os.kill(grandchild, signal.SIGKILL)
    tether.stop(process)
