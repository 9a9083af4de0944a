"""One supervised process: started below a tether, restarted with a growing pause, stopped gently or at once."""

import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tingxie import tether
from tingxie.child_log import ChildLog

#: pauses before the restarts that follow each other: 0.5 s, 1 s, 2 s … 30 s
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
#: a child that lived this long has recovered; its next death starts the pauses anew
_STEADY_S = 60.0
#: how long a child may drain once this program is gone; longer than a batch, short enough for a person to wait
_ORPHAN_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """What to run: a `tingxie` subcommand's command line and its whole environment."""

    name: str
    command: list[str]
    environment: Mapping[str, str]


class Child:
    def __init__(self, plan: ChildPlan, log_folder: Path, *, verbose: bool) -> None:
        self.name = plan.name
        self.log = ChildLog(plan.name, log_folder, verbose=verbose)
        self.deaths = 0
        self._plan = plan
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._restart_at = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None

    @property
    def due(self) -> bool:
        """Whether it isn't running and its pause is over."""
        return not self.running and time.monotonic() >= self._restart_at

    def start(self) -> None:
        self._process = tether.popen(
            self._plan.command, grace_s=_ORPHAN_GRACE_S, output=subprocess.PIPE, env=self._plan.environment
        )
        self._started = time.monotonic()
        if self._process.stdout is not None:
            self.log.follow(self._process.stdout)

    def ended(self) -> int | None:
        """Its exit status if it has ended since the last look (128 + n by signal n), else None."""
        if self._process is None or (status := self._process.poll()) is None:
            return None
        self._close()
        return status

    def plan_restart(self) -> float:
        """Count this death; returns the pause before the restart, in seconds."""
        steady = time.monotonic() - self._started > _STEADY_S
        self.deaths = 1 if steady else self.deaths + 1
        pause_s = min(_FIRST_PAUSE_S * 2.0 ** (self.deaths - 1), _LONGEST_PAUSE_S)
        self._restart_at = time.monotonic() + pause_s
        return pause_s

    def ask_to_stop(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to the command and its whole process group, by way of the tether."""
        self._signal(signal.SIGQUIT)

    def wait(self) -> None:
        """Until it has ended; only after `ask_to_stop` or `kill`."""
        if self._process is not None:
            self._process.wait()
            self._close()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()
        self._process = None
