"""A window of 20 s (640 kB) out of the store: from its folder, and by HTTP from a front end of the same machine.

Interleaved rounds; the worker's own CPU is what its interpreter spends beside the model. By HTTP each piece is
hashed at both ends. A network adds its own time: 640 kB take 5 ms at 1 Gbit/s.
"""

import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure
from jobs.settings import Settings
from jobs.store import AudioStore, FolderStore, layout
from tests.support.remote_store import TOKEN, remote_store
from tests.support.service import service
from tingxie import redis_server

WINDOW_BYTES = 640_000
WINDOWS = 100
ROUNDS = 7
THREADS = 3


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        redis = redis_server.start(folder / "redis")
        settings = Settings(redis_url=redis.url, data_dir=folder / "data")
        try:
            with service(
                settings, folder / "logs", transcribers=0, preparers=0, web=True, worker_token=TOKEN
            ) as running:
                for number in range(WINDOWS):
                    running.store.write(layout.window("bench", number), [bytes(WINDOW_BYTES)])
                [front] = psutil.Process(running.processes["web"].pid).children()
                with remote_store(running.url, TOKEN) as remote:
                    return _measure({"folder": running.store, "HTTP": remote}, front)
        finally:
            redis.stop()


def _measure(stores: dict[str, AudioStore], front: psutil.Process) -> list[Figure]:
    wall: dict[str, list[float]] = {name: [] for name in stores}
    own: dict[str, list[float]] = {name: [] for name in stores}
    served: list[float] = []
    for _ in range(ROUNDS):
        for name, store in stores.items():
            before, began, cpu = _cpu_s(front), time.perf_counter(), time.process_time()
            for number in range(WINDOWS):
                store.read(layout.window("bench", number))
            wall[name].append((time.perf_counter() - began) / WINDOWS)
            own[name].append((time.process_time() - cpu) / WINDOWS)
            if not isinstance(store, FolderStore):
                served.append((_cpu_s(front) - before) / WINDOWS)
    figures = [Figure(f"by {name}: a window", 1e3 * statistics.median(wall[name]), "ms") for name in stores]
    figures += [Figure(f"by {name}: the worker's CPU", 1e3 * statistics.median(own[name]), "ms") for name in stores]
    figures.append(Figure("by HTTP: the front end's CPU", 1e3 * statistics.median(served), "ms"))
    figures.append(Figure(f"by HTTP: windows a second, {THREADS} threads", _together(stores["HTTP"]), "/s"))
    return figures


def _cpu_s(process: psutil.Process) -> float:
    spent = process.cpu_times()
    return float(spent.user + spent.system)


def _together(store: AudioStore) -> float:
    def read() -> None:
        for number in range(WINDOWS):
            store.read(layout.window("bench", number))

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return THREADS * WINDOWS / (time.perf_counter() - began)
