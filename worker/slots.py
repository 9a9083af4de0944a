"""How many hints this process could act on at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    def __init__(self, count: int) -> None:
        self._idle = count
        self._lock = threading.Lock()

    @property
    def idle(self) -> int:
        return self._idle

    @contextmanager
    def taken(self) -> Iterator[None]:
        """One slot less while a hint is acted on."""
        self._change(-1)
        try:
            yield
        finally:
            self._change(1)

    def _change(self, by: int) -> None:
        with self._lock:
            self._idle += by
