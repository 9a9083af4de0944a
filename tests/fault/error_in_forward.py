"""A transcribe worker whose forward raises for every batch that holds a poisoned window."""

from tests.fault.poison import is_poisoned
from tests.support.fake_model import serve
from worker.forward import ForwardInput


def raise_of_poison(windows: list[ForwardInput]) -> None:
    if any(map(is_poisoned, windows)):
        raise ArithmeticError("this window has no logarithm")


if __name__ == "__main__":
    serve(raise_of_poison)
