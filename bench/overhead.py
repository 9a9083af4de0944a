"""What the service itself costs a transcribe worker: CPU time a window for claim, load, commit and hint.

On one simulated device at batches of 16. A worker's upkeep (heartbeat, reconciler) while nothing is to be done is taken
off, and is a row of its own.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure
from bench.long_job import Objects, devices
from bench.machine import cpu_s
from bench.scaling import POLL_S, TIMEOUT_S
from tests.support.waiting import eventually

#: 16 windows of 160 ms are 2.6 s: the overhead is measured at whole batches of 16
WHOLE_BATCHES: dict[str, Any] = {"batch_windows": 16, "batch_compute_s": 3.0}
AUDIO_S = 3600.0
#: long enough for several heartbeats and many rounds of the reconciler
IDLE_S = 20.0


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        objects = Objects.write(folder / "objects", AUDIO_S)
        with devices(folder / "home", 1, objects, **WHOLE_BATCHES) as (running, job):
            [device] = [psutil.Process(each.pid) for name, each in running.processes.items() if "device" in name]
            before, began = cpu_s(device), time.monotonic()
            job.release()
            eventually(lambda: job.windows_done() == len(objects.windows), TIMEOUT_S, every_s=POLL_S)
            busy_s, busy_cpu_s = time.monotonic() - began, cpu_s(device) - before
            running.wait(job.id, TIMEOUT_S)
            before = cpu_s(device)
            time.sleep(IDLE_S)
            upkeep = (cpu_s(device) - before) / IDLE_S
    windows = len(objects.windows)
    return [
        Figure("interpreter time a window at batch 16", 1000 * (busy_cpu_s - upkeep * busy_s) / windows, "ms", "≤ 1.5"),
        Figure("… with the upkeep of that time", 1000 * busy_cpu_s / windows, "ms"),
        Figure("upkeep of an idle worker, a second", 1000 * upkeep, "ms"),
        Figure("windows a second", windows / busy_s, "/s"),
    ]
