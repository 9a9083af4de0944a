"""A transcribe worker whose process dies in the forward of a poisoned window, as by a segfault."""

import os

from tests.fault.poison import is_poisoned
from tests.support.fake_model import serve
from worker.forward import ForwardInput


def die_of_poison(windows: list[ForwardInput]) -> None:
    if any(map(is_poisoned, windows)):
        os._exit(139)


if __name__ == "__main__":
    serve(die_of_poison)
