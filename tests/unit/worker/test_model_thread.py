"""Whoever asks: one thread loads the model and runs it."""

import threading

import pytest

from jobs.errors import ModelRefused
from tests.support.fake_model import FakeModel
from worker.forward import ForwardInput, ForwardOutput, OutOfMemory
from worker.model_thread import ModelThread


class Noting(FakeModel):
    """Notes which threads make and run it."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = [threading.get_ident()]

    def forward(self, windows: list[ForwardInput]) -> list[ForwardOutput]:
        self.threads.append(threading.get_ident())
        if not windows:
            raise OutOfMemory("nothing fits")
        return []


def test_all_threads_run_the_model_in_its_own() -> None:
    made: list[Noting] = []

    def load() -> Noting:
        made.append(Noting())
        return made[0]

    model = ModelThread(load)
    for _ in range(2):
        asking = threading.Thread(target=model.forward, args=([None],))
        asking.start()
        asking.join(10)
    model.forward([None])  # type: ignore[list-item]
    assert model.spec == made[0].spec
    assert len(made[0].threads) == 4
    assert len({*made[0].threads}) == 1
    assert made[0].threads[0] != threading.get_ident()


def test_what_goes_wrong_reaches_who_asked() -> None:
    def load() -> Noting:
        raise ModelRefused("not this one")

    with pytest.raises(ModelRefused, match="not this one"):
        ModelThread(load)
    with pytest.raises(OutOfMemory, match="nothing fits"):
        ModelThread(Noting).forward([])
