"""Where a second of work goes, from upload to transcript: the bundled model, three-minute recordings one after another.

Above: how long a job was in each stage, as a client and the ledger's clock see it. Below: what the processes worked
meanwhile, by stopwatches in real workers (`profiled_worker`), for an hour of audio; threads that wait for each other
are in it. One process each: front end, prepare, transcribe (one thread for the model).
"""

import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.figure import Figure
from bench.front_end import front_end
from tests.support.service import Service
from tingxie.client import Client
from worker.model_folder import BUNDLED_FOLDER

ROOT = Path(__file__).parents[1]
RECORDINGS = sorted((ROOT / "tests/data/long").glob("*.opus"))
ROUNDS = 3
TIMEOUT_S = 120.0
Seconds = dict[str, float]
#: stages of a job: the client's, then the ledger's
WAITS = {
    "upload": "upload",
    "queued": "queue wait",
    "preparing": "preparing",
    "transcribing": "transcribing, after preparing has ended",
    "finishing": "finishing",
}
#: of the stopwatches, in the order of a job's way; prepare's own parts are taken off it
PARTS = ("decode", "resample", "cut", "write windows", "register windows")
ORDER = (
    *("upload", "claim a unit", *PARTS, "prepare"),
    *("claim windows", "load windows", "start", "forward", "commit", "finish"),
)
NAMES = {"prepare": "prepare's rest", "start": "start (a script before each batch and unit)"}


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "profile").mkdir()
        environment = {"BENCH_PROFILE": str(folder / "profile")}
        model = str(BUNDLED_FOLDER)
        with front_end(folder, transcribe="tingxie", model=model, environment=environment) as running:
            for kind in ("prepare", "transcribe"):
                running.start(kind, "bench.profiled_worker", "worker", kind)
            running.wait_for_workers(transcribe=1, cpu=1)
            return _measure(running, folder / "profile")


def _measure(running: Service, profile: Path) -> list[Figure]:
    uploads_s = all_s = audio_s = 0.0
    with Client(running.url) as client:
        client.wait(client.submit(ROOT / "samples/demo.opus").id, timeout_s=TIMEOUT_S)  # loaded and measured once
        spent, stages = _spent(profile), _stages(running.url)
        for path in RECORDINGS * ROUNDS:
            began = time.monotonic()
            job_id = client.submit(path).id
            uploads_s += time.monotonic() - began
            audio_s += client.wait(job_id, timeout_s=TIMEOUT_S).duration_s or 0.0
            all_s += time.monotonic() - began
    work = _since(spent, _spent(profile)) | {"upload": uploads_s}
    waits = {"upload": uploads_s} | _since(stages, _stages(running.url))
    return [*_of_a_job(waits, all_s, len(RECORDINGS) * ROUNDS), *_of_work(work, audio_s)]


def _of_a_job(waits: Seconds, all_s: float, jobs: int) -> list[Figure]:
    shown = {told: waits.get(stage, 0.0) for stage, told in WAITS.items()}
    shown["until the client hears of it"] = max(0.0, all_s - sum(shown.values()))
    return [
        Figure("a job of three minutes, from upload to transcript", all_s / jobs, "s"),
        *(Figure(f"… {stage}", 100 * seconds / all_s, "%") for stage, seconds in shown.items()),
    ]


def _of_work(spent: Seconds, audio_s: float) -> list[Figure]:
    work = {stage: spent.get(stage, 0.0) for stage in ORDER}
    work["prepare"] -= sum(work[part] for part in PARTS)
    whole_s = sum(work.values())
    return [
        Figure("work for an hour of audio", whole_s * 3600 / audio_s, "s"),
        *(Figure(f"… {NAMES.get(stage, stage)}", 100 * seconds / whole_s, "%") for stage, seconds in work.items()),
    ]


def _since(before: Seconds, now: Seconds) -> Seconds:
    return {name: seconds - before.get(name, 0.0) for name, seconds in now.items()}


def _spent(profile: Path) -> Seconds:
    """By stage, of all processes together, as they last wrote it."""
    found: Seconds = defaultdict(float)
    for path in profile.glob("*.json"):
        for stage, seconds in json.loads(path.read_text()).items():
            found[stage] += seconds
    return found


def _stages(url: str) -> Seconds:
    """How long jobs were in each stage, by the ledger's clock."""
    families = text_string_to_metric_families(httpx.get(f"{url}/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {each.labels["stage"]: each.value for each in samples if each.name == "tingxie_stage_seconds_sum"}
