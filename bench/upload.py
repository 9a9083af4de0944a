"""A file of 7 GB uploaded to one front end, by a form, as raw bytes and by tus: its memory above idle, and the speed.

The sender is another process's thread on the same machine, and the store its disk.
"""

import tempfile
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure
from bench.front_end import front_end
from jobs.store import layout
from tests.support.large_upload import WAYS, grown_bytes, upload
from tests.support.service import Service

SIZE_BYTES = 7_000_000_000


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, front_end(Path(name)) as running:
        return [figure for way in WAYS for figure in _measure(running, way)]


def _measure(running: Service, way: str) -> list[Figure]:
    [front] = psutil.Process(running.processes["web"].pid).children()
    running.store.delete_all(layout.job_folder(upload(running.url, way, 10_000_000)))
    began = time.monotonic()
    grown, job_id = grown_bytes(front, lambda: upload(running.url, way, SIZE_BYTES))
    seconds = time.monotonic() - began
    if running.store.info(layout.audio(job_id)).size_bytes != SIZE_BYTES:
        raise RuntimeError(f"{way}: bytes are missing")
    running.store.delete_all(layout.job_folder(job_id))
    return [
        Figure(f"{way}: memory above idle", grown / 1e6, "MB", "≤ 60"),
        Figure("… speed", SIZE_BYTES / 1e6 / seconds, "MB/s"),
    ]
