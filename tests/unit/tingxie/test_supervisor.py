"""The supervisor, with real children of a few lines each."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.support.waiting import eventually
from tingxie.child import Child, ChildPlan
from tingxie.errors import StackError
from tingxie.supervisor import Supervisor

#: Each child first writes its pid on a line of its own file, so that a test sees every start.
PREAMBLE = (
    "import os, signal, sys, time\nstarts = sys.argv[1]\nprint(os.getpid(), file=open(starts, 'a'), flush=True)\n"
)

SLEEPER = "time.sleep(60)"
#: dies at its first start, lives at its second
UNLUCKY = """
    if len(open(starts).readlines()) == 1:
        print('no luck')
        sys.exit(3)
    time.sleep(60)
"""
MISCONFIGURED = "time.sleep(0.5); print('no such model'); sys.exit(78)"
HOPELESS = "print('bad'); sys.exit(9)"
DEAF = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print('armed', flush=True)
    time.sleep(60)
"""
#: takes a moment to end, and says when it has
POLITE = """
    def end(*_):
        time.sleep(0.3)
        print(starts, file=open(os.path.dirname(starts) + '/ends', 'a'), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)
    print('armed', flush=True)
    time.sleep(60)
"""
TALKER = "print('[info] fine'); print('[warning  ] hot', flush=True); time.sleep(60)"

MakeChild = Callable[..., Child]


@pytest.fixture
def make(tmp_path: Path) -> MakeChild:
    def child(code: str, name: str = "child") -> Child:
        command = [sys.executable, "-c", PREAMBLE + dedent(code), str(tmp_path / f"{name}.starts")]
        return Child(ChildPlan(name, command, dict(os.environ)), tmp_path, verbose=False)

    return child


def _run(*groups: list[Child], stop_when: Callable[[], bool] = lambda: False, signals: int = 1) -> None:
    """Supervise until the condition holds, then ask to stop as Ctrl-C does, so many times."""
    asked = False

    def is_ready() -> bool:
        nonlocal asked
        if not asked and stop_when():
            asked = True
            for _ in range(signals):
                signal.raise_signal(signal.SIGINT)
        return asked

    Supervisor(groups, None).run(is_ready, lambda: None)


def _starts(folder: Path, name: str = "child") -> list[int]:
    file = folder / f"{name}.starts"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def _logged(folder: Path, text: str, *names: str) -> bool:
    logs = [folder / f"{name}.log" for name in names or ("child",)]
    return all(log.exists() and text in log.read_text() for log in logs)


def _all_gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_dead_child_is_restarted_and_said_so(
    tmp_path: Path, make: MakeChild, capsys: pytest.CaptureFixture[str]
) -> None:
    _run([make(UNLUCKY)], stop_when=lambda: len(_starts(tmp_path)) == 2)
    assert "child ended (status 3), restarting in 0.5 s: no luck" in capsys.readouterr().err
    eventually(lambda: _all_gone(_starts(tmp_path)))


def test_a_wrong_configuration_stops_everything_at_once(tmp_path: Path, make: MakeChild) -> None:
    with pytest.raises(StackError, match="child can't start: no such model"):
        _run([make(MISCONFIGURED), make(SLEEPER, "other")])
    assert len(_starts(tmp_path)) == 1
    assert _all_gone(_starts(tmp_path, "other"))


def test_a_child_that_keeps_dying_before_the_stack_is_ready_stops_everything(tmp_path: Path, make: MakeChild) -> None:
    with pytest.raises(StackError, match=r"ended 3 times \(status 9\): bad"):
        _run([make(HOPELESS)])
    assert len(_starts(tmp_path)) == 3


def test_a_second_signal_stops_a_deaf_child_at_once(tmp_path: Path, make: MakeChild) -> None:
    began = time.monotonic()
    _run([make(DEAF)], stop_when=lambda: _logged(tmp_path, "armed"), signals=2)
    assert time.monotonic() - began < 20  # the first signal alone would wait a minute
    assert _all_gone(_starts(tmp_path))


def test_groups_stop_one_after_the_other(tmp_path: Path, make: MakeChild) -> None:
    groups = [make(POLITE, "first")], [make(POLITE, "second")]
    _run(*groups, stop_when=lambda: _logged(tmp_path, "armed", "first", "second"))
    assert [Path(line).stem for line in (tmp_path / "ends").read_text().split()] == ["first", "second"]


def test_warnings_reach_stderr_and_everything_the_log(
    tmp_path: Path, make: MakeChild, capsys: pytest.CaptureFixture[str]
) -> None:
    _run([make(TALKER)], stop_when=lambda: _logged(tmp_path, "hot"))
    assert _logged(tmp_path, "[info] fine")
    shown = capsys.readouterr().err
    assert "child: [warning  ] hot" in shown
    assert "fine" not in shown
