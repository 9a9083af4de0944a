"""Many clients at once against a running service, by locust in a process of its own."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.speechlike import wav

CLIENTS_FILE = Path(__file__).with_name("locust_clients.py")
#: seconds of audio: most recordings are short, a few are long
MIXED_S = (
    1.0,
    2.0,
    3.0,
    4.0,
    5.0,
    6.0,
    8.0,
    8.0,
    10.0,
    12.0,
    15.0,
    15.0,
    20.0,
    20.0,
    25.0,
    30.0,
    30.0,
    45.0,
    60.0,
    300.0,
)


@dataclass(frozen=True, slots=True)
class Load:
    """ended: each job's state. taken_ms: latencies by kind of request (submit, poll, transcript)."""

    ended: dict[str, str]
    taken_ms: dict[str, list[float]]
    errors: list[str]

    def ms(self, kind: str, percent: float) -> float:
        ordered = sorted(self.taken_ms[kind])
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def write_recordings(folder: Path, lengths_s: tuple[float, ...] = MIXED_S) -> Path:
    folder.mkdir()
    for number, length_s in enumerate(lengths_s):
        (folder / f"{number:02}.wav").write_bytes(wav(length_s, seed=number))
    return folder


def run_clients(url: str, recordings: Path, folder: Path, *, clients: int, jobs: int, timeout_s: float) -> Load:
    """So many jobs of those recordings, in turn, by so many clients at once. Raises RuntimeError with locust's log."""
    report, log = folder / f"{clients}-clients.json", folder / f"{clients}-clients.log"
    command = [sys.executable, "-m", "locust", "-f", str(CLIENTS_FILE), "--headless", "--only-summary"]
    command += ["--host", url, "--users", str(clients), "--spawn-rate", str(clients)]
    environment = {"LOAD_RECORDINGS": str(recordings), "LOAD_JOBS": str(jobs), "LOAD_REPORT": str(report)}
    with log.open("wb") as output, suppress(subprocess.TimeoutExpired):
        subprocess.run(
            command,
            env={**os.environ, **environment},
            cwd=folder,  # locust reads settings from where it is started
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        )
    if not report.exists():
        raise RuntimeError(f"locust wrote no report:\n{log.read_text()}")
    return Load(**json.loads(report.read_text()))
