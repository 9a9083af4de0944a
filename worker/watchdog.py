"""Ends this process when something in it takes longer than it may: leases lapse, and others do its work."""

import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

log = structlog.get_logger()

#: sysexits.h EX_SOFTWARE: whoever supervises this process starts it again
EXIT_STATUS = 70
#: code that hangs while it holds the interpreter's lock stops our thread too; the C-level timer comes that much later
INTERPRETER_GRACE_S = 10.0
#: a shorter wait isn't worth a new timer
WORTH_S = 0.1


class Watchdog:
    """Watches one thing at a time. `event` names the log line of what took too long."""

    def __init__(self, event: str, limit_s: float) -> None:
        self._event = event
        self._limit_s = limit_s
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._what: dict[str, Any] = {}
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    @contextmanager
    def watching(self, **what: Any) -> Iterator[None]:
        """Whatever runs inside must end within the limit; `what` goes into the log line."""
        faulthandler.dump_traceback_later(self._limit_s + INTERPRETER_GRACE_S, exit=True)
        self._set(time.monotonic() + self._limit_s, what)
        try:
            yield
        finally:
            self._set(None, {})
            faulthandler.cancel_dump_traceback_later()

    def extend(self, seconds: float) -> None:
        """What is watched has waited so long for something that isn't its fault, and has limits of its own."""
        if seconds < WORTH_S:
            return
        with self._changed:
            if self._deadline is None:
                return
            self._deadline += seconds
            left_s = self._deadline - time.monotonic()
            self._changed.notify()
        faulthandler.dump_traceback_later(max(left_s, 0.0) + INTERPRETER_GRACE_S, exit=True)

    def _set(self, deadline: float | None, what: dict[str, Any]) -> None:
        with self._changed:
            self._deadline, self._what = deadline, what
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while True:
                left = None if self._deadline is None else self._deadline - time.monotonic()
                if left is not None and left <= 0:
                    log.critical(self._event, limit_s=self._limit_s, **self._what)
                    os._exit(EXIT_STATUS)
                self._changed.wait(left)
