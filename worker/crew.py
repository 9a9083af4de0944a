"""Several transcribe workers as one command: a process for each model and device, started again when it dies.

Processes, not threads: a model that crashes or runs out of memory takes no other with it, and each GPU has an
interpreter of its own.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

import structlog

from jobs.commands import EX_CONFIG
from jobs.errors import SetupError
from jobs.settings import Settings

log = structlog.get_logger()

ALL_DEVICES = "all"
#: the pause before a process is started again; doubled while it dies within STEADY_S
FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S = 1.0, 30.0, 60.0
POLL_S = 0.1
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
PR_SET_PDEATHSIG = 1  # linux/prctl.h

Plan = dict[str, str]


def served_models(settings: Settings) -> list[tuple[str, str]]:
    """Name and revision of each model: `TINGXIE_MODELS`, where NAME@REVISION names a revision, or `TINGXIE_MODEL`."""
    found = []
    for text in filter(None, map(str.strip, settings.models.split(","))):
        name, _, revision = text.rpartition("@")
        found.append((name, revision) if name and not Path(text).exists() else (text, settings.revision))
    return found or [(settings.model, settings.revision)]


def plan_crew(settings: Settings, count_devices: Callable[[], int]) -> list[Plan]:
    """What differs in the environment of each process. Raises SetupError for `all` devices where there is none."""
    devices = [settings.device]
    if settings.device == ALL_DEVICES:
        devices = [f"cuda:{number}" for number in range(count_devices())]
        if not devices:
            raise SetupError(
                "this machine has no CUDA device for --device all", remedy="Use TINGXIE_DEVICE=cpu or auto."
            )
    models = served_models(settings)
    threads = settings.model_threads or max(1, (os.cpu_count() or 1) // (len(devices) * len(models)))
    return [
        {
            "TINGXIE_MODELS": "",
            "TINGXIE_MODEL": name,
            "TINGXIE_REVISION": revision,
            "TINGXIE_DEVICE": device,
            "TINGXIE_DTYPE": settings.dtype,
            "TINGXIE_MODEL_THREADS": str(threads),
            "TINGXIE_TRANSCRIBE_THREADS": str(settings.transcribe_threads),
        }
        for device in devices
        for name, revision in models
    ]


class Member:
    """One process of the crew."""

    def __init__(self, plan: Plan, command: Sequence[str]) -> None:
        self.plan = plan
        self._command = list(command)
        self._pause_s = FIRST_PAUSE_S
        self._start_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return self._process is not None

    def signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def start_if_due(self) -> None:
        if self._process is None and time.monotonic() >= self._start_at:
            self._start_at = time.monotonic()
            # A session of its own: a terminal's Ctrl-C comes once, from us. One thread here, so preexec_fn is safe.
            self._process = subprocess.Popen(
                self._command,
                env={**os.environ, **self.plan},
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )

    def ended(self) -> int | None:
        """The status of a process that has ended since; its next start is then some pause away."""
        status = None if self._process is None else self._process.poll()
        if status is not None:
            now = time.monotonic()
            self._pause_s = FIRST_PAUSE_S if now - self._start_at >= STEADY_S else self._pause_s
            self._start_at, self._pause_s = now + self._pause_s, min(2 * self._pause_s, LONGEST_PAUSE_S)
            self._process = None
        return status


def run_crew(plans: Sequence[Plan], command: Sequence[str]) -> int:
    """Until a signal, which goes on to each; returns 0 if all drained, else the first status that wasn't 0.

    A process that ends with EX_CONFIG can't be helped by another start: then all end.
    """
    crew = [Member(plan, command) for plan in plans]
    # Only noted by the handler: it may come while a member is being started, which it would not reach.
    pending: deque[int] = deque()

    def note(number: int, _frame: FrameType | None) -> None:
        pending.append(number)

    before: Mapping[int, object] = {number: signal.signal(number, note) for number in FORWARDED}
    stopping, worst = False, 0
    try:
        while not stopping or any(member.is_alive for member in crew):
            stopping = _passed_on(pending, crew) or stopping
            for member in crew:
                if not stopping and not pending:
                    member.start_if_due()
                status = member.ended()
                if status and not stopping:
                    log.warning("crew.ended", status=status, model=member.plan["TINGXIE_MODEL"])
                if status and (stopping or status == EX_CONFIG):
                    worst = worst or status
                if status == EX_CONFIG and not stopping:
                    pending.append(signal.SIGTERM)
            time.sleep(POLL_S)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
    return worst if worst >= 0 else 128 - worst


def _passed_on(signals: deque[int], crew: Sequence[Member]) -> bool:
    """Send on what came; whether anything did."""
    came = bool(signals)
    while signals:
        number = signals.popleft()
        for member in crew:
            member.signal(number)
    return came


def own_command() -> list[str]:
    return [sys.executable, "-m", "tingxie", "worker", "transcribe"]


def _die_with_parent() -> None:
    """In the child before it is one: should the crew's own process be killed, its workers drain."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))
