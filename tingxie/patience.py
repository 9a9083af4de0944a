"""Whether a call that failed is sent again, and when: for a while, as the server advises."""

import time

from tingxie.errors import RateLimited, ServerUnreachable, UploadElsewhere

#: what passes by itself
Passing = ServerUnreachable | RateLimited | UploadElsewhere

#: a restart of the front end or of Redis takes seconds
PATIENCE_S = 60.0
FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0


class Patience:
    """One call's. A server that was never reached is reported at once: its address may be wrong."""

    def __init__(self, seconds: float, *, reached: bool) -> None:
        self._until = time.monotonic() + seconds
        self._reached = reached
        self._pause_s = FIRST_PAUSE_S

    def pause_s(self, error: Passing) -> float | None:
        """How long to wait before the call is sent again; None: it isn't."""
        if not self._reached and error.retry_after_s is None:
            return None
        advised = error.retry_after_s if error.retry_after_s is not None else self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        return advised if time.monotonic() + advised <= self._until else None
