"""Latency under load: 1 to 100 clients at once, each of which submits, polls every 0.25 s, reads, and submits again.

One front end, two prepare children, four simulated devices (asleep), real recordings of 1 to 10 s, no pauses between
jobs. The clients (locust, a process of its own) share the machine's cores with all of it.
"""

import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from bench.front_end import front_end
from tests.support.clients import Load, run_clients, write_recordings
from tests.support.service import Service

LENGTHS_S = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0)
#: clients at once → jobs: some seconds of each
ROUNDS = {1: 20, 10: 120, 25: 200, 50: 300, 100: 400}
DEVICES = 4
PERCENTS = (50, 95, 99)
KINDS = {"submit": "submissions", "poll": "polls"}
TIMEOUT_S = 120.0


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recordings = write_recordings(folder / "recordings", LENGTHS_S)
        with front_end(folder, transcribe="bench.simulated_device", transcribers=DEVICES, preparers=2) as running:
            _measure_round(running, recordings, folder, 2, 10)  # everything has been imported and connected
            return [
                figure
                for clients, jobs in ROUNDS.items()
                for figure in _measure_round(running, recordings, folder, clients, jobs)
            ]


def _measure_round(running: Service, recordings: Path, folder: Path, clients: int, jobs: int) -> list[Figure]:
    began = time.monotonic()
    load = run_clients(running.url, recordings, folder, clients=clients, jobs=jobs, timeout_s=TIMEOUT_S)
    wrong = len(load.errors) + sum(state != "succeeded" for state in load.ended.values())
    return [
        Figure(f"{clients} client{'s' if clients > 1 else ''}: errors", wrong + jobs - len(load.ended), "", "≤ 0"),
        Figure("… jobs a second, start of the clients included", jobs / (time.monotonic() - began), "/s"),
        *(_latency(load, clients, kind, percent) for kind in KINDS for percent in PERCENTS),
    ]


def _latency(load: Load, clients: int, kind: str, percent: int) -> Figure:
    what = f"{KINDS[kind]}, p{percent}" if percent != 50 else f"{KINDS[kind]}, median"
    return Figure(f"… {what}", load.ms(kind, percent), "ms", curve=what, at=clients)
