"""What every model family can do once its model is loaded."""

from typing import Protocol

from jobs.model import ModelSpec
from worker.forward import ForwardInput, ForwardOutput


class LoadedFamily(Protocol):
    """One loaded model; not safe for two threads at once: the caller holds the device's lock."""

    @property
    def spec(self) -> ModelSpec: ...

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        """One output for each window, in order; raises ForwardError or JobError."""
        ...

    def finish_files(self) -> dict[str, bytes]:
        """What finish needs to read this model's payloads: file names and contents."""
        ...
