"""A whole `tingxie up` to measure against, in a folder of its own."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tingxie.client import Client

SETTLE_S = 2.0


@contextmanager
def service(*options: str, **settings: str) -> Iterator[Client]:
    """A client of a fresh stack on a free port; stopped, and its data removed, at the end. settings: TINGXIE_NAME=…"""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tingxie", "up", "--port", "0", "--data", str(Path(folder, "data")), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}) as process:
            try:
                assert process.stdout is not None
                url = next(line.split()[1] for line in process.stdout if line.startswith("ready "))
                with Client(url) as client:
                    yield client
            finally:
                process.terminate()
                process.wait(timeout=90)


def settle() -> None:
    """After a warming job: a Celery worker that was just busy listens again at its hub's next tick."""
    time.sleep(SETTLE_S)
