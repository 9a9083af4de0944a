"""A ten-hour recording through a whole `tingxie up`, bundled model: first text, useful share, memory, speed.

The first partial text is waited for by polls, from the moment that the upload's last byte was handed to the system; a
batch is at most a second of compute. Memory is what a process's resident set rises by above its level before the
upload, after another job has warmed it; prepare and finish take turns in the same children. The useful share is the
workers' own count: audio without context against audio with it.
"""

import tempfile
import time
from pathlib import Path

import httpx

from bench import recordings
from bench.figure import Figure
from bench.memory import Memory
from bench.stack import service
from tests.support.waiting import eventually
from tingxie.client import Client

TEN_HOURS_S = 36_000.0
ROOT = Path(__file__).parents[1]
POLL_S = 0.02
TIMEOUT_S = 1200.0
#: seconds: what is allowed besides a batch, and a batch by the settings' defaults
BESIDE_S, BATCH_S = 2.0, 1.0
#: a worker tells the ledger what it has done this often
HEARTBEAT_S = 3.0
FIRST_TEXT = f"≤ {BESIDE_S + BATCH_S:g}"


def measure(audio_s: float = TEN_HOURS_S) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, service() as client:
        client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=TIMEOUT_S)
        figures = []
        for suffix in (".wav", ".mp3"):
            path = recordings.write(Path(name, f"long{suffix}"), audio_s)
            job_id, first_s = _first_text(client, path)
            client.cancel(job_id)
            path.unlink()
            figures.append(Figure(f"{suffix[1:].upper()}: upload's end to first text", first_s, "s", FIRST_TEXT))
        path = recordings.write(Path(name, "long.flac"), audio_s)
        return [*figures, *_whole(client, path, audio_s)]


def _whole(client: Client, path: Path, audio_s: float) -> list[Figure]:
    before = _counters(client)
    memory = Memory.of_stack()
    with memory.watched():
        began = time.monotonic()
        job_id, first_s = _first_text(client, path)
        while (job := client.status(job_id)).state == "running":
            memory.stage = job.stage or ""
            time.sleep(POLL_S)
        seconds = time.monotonic() - began
    assert job.state == "succeeded", job
    after = _counters(client)
    useful, read = (after[what] - before[what] for what in ("useful", "read"))
    return [
        Figure("FLAC: upload's end to first text", first_s, "s", FIRST_TEXT),
        Figure("… upload to transcript", audio_s / seconds, "× real time"),
        Figure("… useful share of computed audio", useful / read, "", "≥ 0.92"),
        Figure("… web: memory above idle", memory.above_idle_mb("web"), "MB", "≤ 60"),
        Figure("… prepare", memory.above_idle_mb("cpu", "", "preparing", "transcribing"), "MB", "≤ 200"),
        Figure("… transcribe, above the model", memory.above_idle_mb("transcribe"), "MB", "≤ 300"),
        Figure("… finish", memory.above_idle_mb("cpu", "finishing"), "MB", "≤ 300"),
    ]


def _first_text(client: Client, path: Path) -> tuple[str, float]:
    """Upload; the job, and the seconds from the last byte on until a poll shows text."""
    sent_at = 0.0

    def sent(_: int) -> None:
        nonlocal sent_at
        sent_at = time.monotonic()

    job_id = client.submit(path, on_bytes=sent).id
    eventually(lambda: client.status(job_id).partial_text, TIMEOUT_S, every_s=POLL_S)
    return job_id, time.monotonic() - sent_at


def _counters(client: Client) -> dict[str, float]:
    """Seconds of audio that the workers have read, and what was useful of it; told with each heartbeat."""
    time.sleep(2 * HEARTBEAT_S)
    lines = httpx.get(f"{client.server}/metrics").text.splitlines()
    return {
        what: sum(float(line.split()[-1]) for line in lines if line.startswith(f"tingxie_worker_{what}_seconds"))
        for what in ("useful", "read")
    }
