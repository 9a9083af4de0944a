"""On a machine with a CUDA device the model runs there, and hears what it hears on the CPU, in every dtype."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import torch

from bench import gpu
from bench.agreement import Agreement
from bench.in_process import LONG, Heard, Recording, Setting, hear, held_out, load_ctc
from jobs.settings import Settings
from tests.support.accuracy import transcribe_folder
from tests.support.metrics import value
from tests.support.stack import Up
from tests.support.waiting import eventually
from tingxie.client import Client
from worker.model import load_model

DEVICE = "cuda"
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples/demo.opus"
#: of frames that aren't blank in both, and of collapsed tokens: what counts as hearing the same
SAME = 0.995
#: windows that are claimed together
AT_ONCE = 16
#: seconds for a job, or for those of a folder, on the slower of the two
JOBS_S = 300.0

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device"),
]


@pytest.fixture(scope="module")
def recordings() -> list[Recording]:
    return held_out()


@pytest.fixture(scope="module")
def on_cpu(recordings: list[Recording]) -> Heard:
    return hear(load_ctc("float32"), recordings, Setting.usual(), at_once=AT_ONCE)


def agreement(ours: Heard, theirs: Heard) -> Agreement:
    """They must have given each window as many frames, some of them tokens."""
    assert [len(frames) for frames in ours.frames] == [len(frames) for frames in theirs.frames]
    assert len({token for frames in theirs.frames for token in frames.tolist()}) > 20
    return Agreement.of(ours.frames, theirs.frames, blank_id=0)


def test_auto_is_the_gpu() -> None:
    model = load_model(Settings(model="bundled", device="auto"))
    assert model.device == DEVICE
    assert {weights.device.type for weights in model.family.pipe.model.parameters()} == {DEVICE}
    memory = model.memory()
    assert 0 < memory.used <= memory.peak <= memory.total == torch.cuda.get_device_properties(DEVICE).total_memory


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_it_hears_what_the_cpu_hears_in_float32(dtype: str, recordings: list[Recording], on_cpu: Heard) -> None:
    family = load_ctc(dtype, device=DEVICE)
    assert (family.spec.dtype, family.spec.blank_id) == (dtype, 0)
    found = agreement(hear(family, recordings, Setting.usual(), at_once=AT_ONCE), on_cpu)
    assert min(found.frames, found.tokens) >= SAME


def test_a_window_alone_is_heard_as_among_others(recordings: list[Recording]) -> None:
    """Windows of several recordings, claimed together: the shorter ones are filled up to the longest."""
    family = load_ctc("float32", device=DEVICE)
    alone, together = (hear(family, recordings, Setting.usual(), at_once=number) for number in (1, AT_ONCE))
    assert alone.computed_samples == alone.window_samples < together.computed_samples
    found = agreement(together, alone)
    assert min(found.frames, found.tokens) >= SAME


@contextmanager
def served(data: Path, device: str) -> Iterator[Client]:
    up = Up.start(data, "--port", "0", environment={"TINGXIE_DEVICE": device})
    try:
        with Client(up.url) as client:
            yield client
    finally:
        assert up.stop() == 0


def texts(client: Client) -> list[str]:
    """Of the sample and of the three-minute recordings."""
    job = client.wait(client.submit(SAMPLE).id, timeout_s=JOBS_S)
    assert job.succeeded, job
    return [client.transcript_text(job.id), *(each.heard for each in transcribe_folder(client, LONG, timeout_s=JOBS_S))]


@pytest.mark.timeout(900)
def test_the_service_gives_the_same_texts_and_tells_the_memory(tmp_path: Path) -> None:
    with served(tmp_path / "gpu", DEVICE) as client:
        ours = texts(client)
        assert all(ours)
        with httpx.Client(base_url=client.server) as http:
            eventually(lambda: tells_memory(http))
    with served(tmp_path / "cpu", "cpu") as client:
        assert texts(client) == ours


def tells_memory(http: httpx.Client) -> bool:
    used, peak, total = (value(http, "tingxie_device_memory_bytes", of=of) for of in ("used", "peak", "total"))
    assert total == torch.cuda.get_device_properties(DEVICE).total_memory
    return 0 < used <= peak <= total


@pytest.mark.timeout(gpu.LIMIT_S + 120)
def test_the_measurement_runs(tmp_path: Path) -> None:
    report = tmp_path / "gpu.json"
    options = ["--device", DEVICE, "--tiny", "--json", str(report)]
    ran = subprocess.run(
        [sys.executable, "-m", "bench.gpu", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=gpu.LIMIT_S + 60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["device"] == torch.cuda.get_device_name(DEVICE)
    values = {row["what"]: row["value"] for row in found["figures"]}
    for figure in (gpu.NET, gpu.BEATS_BF16, gpu.BEATS_FP32):
        assert values[figure.what] > 0
        assert f"| {figure.what} |" in ran.stdout
