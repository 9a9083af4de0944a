"""bench/gpu.py runs from end to end on a CPU, with torch, transformers and numpy alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.gpu_network import RATE_HZ, flops, make_config

ROOT = Path(__file__).parents[3]
#: the GPU machine has none of these
NOT_THERE = ("jobs", "worker", "web", "tingxie", "tests", "psutil", "redis", "celery", "soundfile", "matplotlib")


def test_it_runs_on_a_cpu_without_the_service(tmp_path: Path) -> None:
    program = f"import sys; sys.modules.update(dict.fromkeys({NOT_THERE!r})); from bench import gpu; "
    program += "sys.exit(gpu.main(sys.argv[1:]))"
    options = ["--device", "cpu", "--tiny", "--json", str(tmp_path / "gpu.json")]
    ran = subprocess.run(
        [sys.executable, "-c", program, *options], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert report["device"] == "CPU"
    found = {row["what"]: row["value"] for row in report["figures"]}
    assert found["distinct tokens in the check"] > 10
    assert found["… agreement with eager"] == pytest.approx(100, abs=2)
    for what in ("device only, at the best batch and window: net × real time", "… ÷ HF pipeline's default call, fp32"):
        assert found[what] > 0
        assert f"| {what} |" in ran.stdout


def test_flops_are_those_of_the_paper() -> None:
    """39 to 44 GFLOP a second of audio, by hand."""
    assert 39e9 < flops(make_config(tiny=False), 20 * RATE_HZ) / 20 < flops(make_config(tiny=False), 30 * RATE_HZ) / 30
    assert flops(make_config(tiny=False), 30 * RATE_HZ) / 30 < 44e9
