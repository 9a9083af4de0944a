"""Pieces that one thread lays down and another takes up: for a consumer that iterates where a source is a loop too."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Full, Queue
from types import TracebackType
from typing import Generic, Self, TypeVar

#: how soon it is noticed that nobody takes pieces any more
POLL_S = 0.1

Result = TypeVar("Result")


class SourceBroke(Exception):
    """Told to the consumer; the source's own error is raised where it happened."""


class Belt(Generic[Result]):
    """`with Belt(consume, …) as belt:` consume runs in a thread of its own, over what is laid down in this one.

    One piece waits at most. Without `end`, the consumer is told that its source broke, and what it raises is nobody's.
    """

    def __init__(self, consume: Callable[[Iterator[bytes]], Result], thread_name: str) -> None:
        self._pieces: Queue[bytes | SourceBroke | None] = Queue(maxsize=1)
        self._pool = ThreadPoolExecutor(1, thread_name)
        self._consuming = self._pool.submit(consume, self._taken())
        self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._ended:
            self.lay(SourceBroke())
        self._pool.shutdown()

    def lay(self, piece: bytes | SourceBroke | None) -> bool:
        """Wait until there is room for it; whether anybody will take it."""
        while not self._consuming.done():
            with suppress(Full):
                self._pieces.put(piece, timeout=POLL_S)
                return True
        return False

    def end(self) -> Result:
        """Wait for the consumer, which has been given all; returns what it returns, raises what it raises."""
        self._ended = True
        self.lay(None)
        return self._consuming.result()

    def _taken(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            if isinstance(piece, SourceBroke):
                raise piece
            yield piece
