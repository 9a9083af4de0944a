"""`make demo` in a fresh clone with a new virtual environment, and once more; pip may use its own cache."""

import subprocess
import tempfile
import time
from pathlib import Path

from bench.figure import Figure

ROOT = Path(__file__).parents[1]
MB = 1e6


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder, "clone")
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        fresh_s, again_s = _make_demo(clone), _make_demo(clone)
        installed_mb = sum(path.stat().st_size for path in (clone / ".venv").rglob("*") if path.is_file()) / MB
    return [
        Figure("fresh clone, installing included", fresh_s, "s", "≤ 300"),
        Figure("the second time", again_s, "s"),
        Figure("installed", installed_mb, "MB"),
    ]


def _make_demo(clone: Path) -> float:
    started = time.monotonic()
    subprocess.run(["make", "demo"], cwd=clone, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started
