"""A transcribe worker whose first forward never ends; its next process works."""

import os
import threading
from pathlib import Path

from tests.support.fake_model import serve
from worker.forward import ForwardInput

#: names a file that says that it hung before
MARK = "TINGXIE_TEST_HUNG_BEFORE"


def hang_once(_: list[ForwardInput]) -> None:
    mark = Path(os.environ[MARK])
    if not mark.exists():
        mark.touch()
        threading.Event().wait()


if __name__ == "__main__":
    serve(hang_once)
