"""The device of a transcribe process: one batch has it at a time, and others can tell when it will be free."""

import threading
import time


class Device:
    """Threads take turns; the one that waits is the one whose batch comes next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_busy = False
        self._free_at = 0.0

    @property
    def is_busy(self) -> bool:
        return self._is_busy

    def acquire(self, expected_s: float) -> None:
        """Wait until it is free and have it; `release` gives it back, after `expected_s` if all goes as predicted."""
        with self._changed:
            while self._is_busy:
                self._changed.wait()
            self._is_busy = True
            self._free_at = time.monotonic() + expected_s

    def release(self) -> None:
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()

    def wait_until_nearly_free(self, lead_s: float) -> None:
        """Return once it is free or will be, by prediction, within `lead_s`."""
        with self._changed:
            while self._is_busy and (left_s := self._free_at - time.monotonic() - lead_s) > 0:
                self._changed.wait(left_s)
