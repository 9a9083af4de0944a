"""A transcribe worker whose device holds two windows at a time and no more."""

from tests.support.fake_model import serve
from worker.forward import ForwardInput, OutOfMemory

FITS = 2


def run_out(windows: list[ForwardInput]) -> None:
    if len(windows) > FITS:
        raise OutOfMemory(f"{len(windows)} windows don't fit")


if __name__ == "__main__":
    serve(run_out)
