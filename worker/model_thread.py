"""The thread in which a transcribe process loads and runs its model, whichever thread asks.

OpenMP keeps a team of threads for each thread that computes. With two teams there are more threads than cores, and
libgomp then has them sleep where they would wait for each other actively (its manual, GOMP_SPINCOUNT): what a CPU loses
by it stands in docs/performance.md. Lanes (worker/families/lanes.py) are threads besides; on a core each they have no
team.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from jobs.ledger.units import DeviceMemory
from jobs.model import ModelSpec
from jobs.store import AudioStore
from worker.forward import ForwardInput, ForwardOutput
from worker.forwarder import Model


class ModelThread:
    """A `Model` around the one that `load` returns; raises what `load` and the model raise."""

    def __init__(self, load: Callable[[], Model]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._model = self._thread.submit(load).result()

    @property
    def spec(self) -> ModelSpec:
        return self._model.spec

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        return self._thread.submit(self._model.forward, windows).result()

    def save_tokenizer(self, store: AudioStore) -> None:
        self._model.save_tokenizer(store)

    def memory(self) -> DeviceMemory:
        return self._model.memory()
