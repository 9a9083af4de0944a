"""Whether this process is to end: asked for by a signal, seen by every thread and by every forked child."""

import mmap
import time

#: how soon a waiting thread notices
TICK_S = 0.1


class Drain:
    """One byte of memory that children share. Setting it takes no lock, so a signal handler may."""

    def __init__(self) -> None:
        self._flag = mmap.mmap(-1, 1)

    def request(self) -> None:
        self._flag[0] = 1

    @property
    def requested(self) -> bool:
        return self._flag[0] == 1

    def wait(self, timeout_s: float) -> bool:
        """Pause for `timeout_s`, or until a drain is requested; says whether it is."""
        deadline = time.monotonic() + timeout_s
        while not self.requested and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(TICK_S, left))
        return self.requested
