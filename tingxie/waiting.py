"""How long a client waits for a job: in polls that the server holds, until a deadline."""

import time

#: how long the server may hold one poll: short where somebody watches the progress, long where nobody does
WATCHED_POLL_S, POLL_S = 1.0, 30.0


class Waiting:
    """One wait. `timeout_s` None waits for ever."""

    def __init__(self, job_id: str, timeout_s: float | None, *, watched: bool) -> None:
        self._job_id = job_id
        self._timeout_s = timeout_s
        self._longest_s = WATCHED_POLL_S if watched else POLL_S
        self._began = time.monotonic()

    def poll_s(self) -> float:
        """How long the next poll may be held."""
        left_s = self._left_s()
        return self._longest_s if left_s is None else max(0.0, min(self._longest_s, left_s))

    def check(self) -> None:
        """Raises TimeoutError once the time is up."""
        left_s = self._left_s()
        if left_s is not None and left_s <= 0:
            raise TimeoutError(f"job {self._job_id} has not ended after {self._timeout_s:g} s")

    def _left_s(self) -> float | None:
        if self._timeout_s is None:
            return None
        return self._began + self._timeout_s - time.monotonic()
