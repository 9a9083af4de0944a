"""Ties a child process to its parent: however the parent ends, SIGKILL included, the child and its group end too.

The command runs below a small middle process, started from this very file (standard library only). Its standard input
is the lifeline: a pipe whose other end only the parent holds, so the end of the parent, or `stop`, is an end of file.
Then the command's process group gets SIGTERM, `grace_s` seconds to drain, and SIGKILL. On Linux the command itself is
also killed should somebody SIGKILL the middle process (prctl(2), PR_SET_PDEATHSIG).

Signals sent to the middle process go on to the command: TERM, HUP, USR1, USR2. QUIT kills the whole group at once.
It exits with the command's status, or 128 + n where signal n ended it.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIFELINE = 0  # the middle process's standard input
NOT_STARTED = 127  # what a shell says when a command can't be run


def popen(
    command: list[str],
    *,
    grace_s: float = 10.0,
    output: int | IO[bytes] | None = None,
    errors: int | IO[bytes] | None = subprocess.STDOUT,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a command that can't outlive this process by more than `grace_s` seconds.

    output: where its standard output goes, as for subprocess; None inherits ours. errors: the same for its standard
    error, which goes where the output goes unless said otherwise. It reads /dev/null, and Ctrl-C in a terminal doesn't
    reach it. The object returned is the middle process: keep it, since its `stdin` is the lifeline, and don't fork
    without exec while you hold it.
    """
    middle = [sys.executable, "-I", "-S", __file__, repr(grace_s), *command]
    errors = None if output is None else errors
    return subprocess.Popen(
        middle, stdin=subprocess.PIPE, stdout=output, stderr=errors, env=env, cwd=cwd, start_new_session=True
    )


def stop(process: "subprocess.Popen[bytes]") -> int:
    """End a tethered command as the parent's death would; returns its status once nothing of its group is left."""
    if process.stdin is not None:
        process.stdin.close()
    return process.wait()


def main(arguments: list[str]) -> int:
    """The middle process: `GRACE_S COMMAND…`."""
    grace_s, command = float(arguments[0]), arguments[1:]
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    for number in (*FORWARDED, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, _woken)
    child = _spawn(command)
    _watch(child, grace_s, wake_read)
    # The command has ended but isn't reaped, so its number still names its group: end what it left behind.
    _kill_group(child)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return code if code >= 0 else 128 - code


def _woken(_number: int, _frame: FrameType | None) -> None:
    """Signals are read from the wakeup pipe; a handler must exist for them to get there."""


def _spawn(command: list[str]) -> int:
    """Fork and exec; safe, since this process has one thread and holds no locks. Returns the child's pid."""
    set_death_signal = ctypes.CDLL(None, use_errno=True).prctl if sys.platform == "linux" else None
    middle = os.getpid()
    child = os.fork()
    if child:
        with suppress(OSError):  # done by the child already, or it has executed the command since
            os.setpgid(child, child)
        return child
    try:
        os.setpgid(0, 0)
        if set_death_signal is not None:
            set_death_signal(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() == middle:  # else it died before the line above
            os.dup2(os.open(os.devnull, os.O_RDONLY), LIFELINE)
            os.execvp(command[0], command)  # noqa: S606
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        sys.stderr.flush()
    os._exit(NOT_STARTED)


def _watch(child: int, grace_s: float, wake_read: int) -> None:
    """Pass signals on until the command has ended; end it when the lifeline breaks."""
    deadline: float | None = None
    while not _has_ended(child):
        watched = [wake_read] if deadline is not None else [wake_read, LIFELINE]
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready = select.select(watched, [], [], left)[0]
        if wake_read in ready:
            _pass_on(child, os.read(wake_read, 64))
        if LIFELINE in ready and not os.read(LIFELINE, 64):
            _signal(child, signal.SIGTERM)
            deadline = time.monotonic() + grace_s
        if deadline is not None and time.monotonic() >= deadline:
            _kill_group(child)
            deadline = time.monotonic() + grace_s


def _has_ended(child: int) -> bool:
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _pass_on(child: int, numbers: bytes) -> None:
    for number in numbers:
        if number == signal.SIGQUIT:
            _kill_group(child)
        elif number in FORWARDED:
            _signal(child, number)


def _signal(child: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(child, number)


def _kill_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says EPERM where only a zombie is left
        os.killpg(child, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
