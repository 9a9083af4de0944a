"""Where each window of a batch lies, packed end to end."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, pairwise


class Pack(threading.local):
    """Read by the layers that look beyond a frame; empty while the model isn't given one. Each thread has its own."""

    def __init__(self) -> None:
        self.lengths: list[int] = []  # samples of each window
        self.frames: list[slice] = []

    @contextmanager
    def of(self, lengths: Sequence[int]) -> Iterator[None]:
        """Inside, the model is given windows of so many samples."""
        self.lengths = list(lengths)
        try:
            yield
        finally:
            self.lengths, self.frames = [], []

    def made(self, frames: Sequence[int]) -> None:
        """So many frames came of each window."""
        self.frames = [slice(*ends) for ends in pairwise(accumulate(frames, initial=0))]
