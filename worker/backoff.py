"""Pauses after Redis or the store failed: each twice as long as the last, until something works again."""

from worker.drain import Drain

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0


class Backoff:
    """Of one thing that fails and recovers; a drain cuts a pause short."""

    def __init__(self, drain: Drain) -> None:
        self._drain = drain
        self._pause_s = FIRST_PAUSE_S

    def wait(self) -> None:
        """It failed: pause, and longer the next time."""
        self._drain.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)

    def reset(self) -> None:
        """It worked: the next pause is a short one."""
        self._pause_s = FIRST_PAUSE_S
