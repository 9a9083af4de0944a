"""The machine and the moment that a measurement belongs to."""

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil  # type: ignore[import-untyped]

#: what decides how fast half precision and integers are
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8")


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    cores: int
    flags: str
    memory_gb: int
    python: str
    commit: str
    date: str

    @classmethod
    def here(cls) -> "Machine":
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8") if Path("/proc/cpuinfo").exists() else ""
        flags = next((line.split() for line in info.splitlines() if line.startswith("flags")), [])
        name = next((line.partition(": ")[2] for line in info.splitlines() if line.startswith("model name")), "")
        return cls(
            processor=name or platform.processor() or platform.machine(),
            cores=os.cpu_count() or 0,
            flags=" ".join(flag for flag in _TELLING_FLAGS if flag in flags),
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
            python=platform.python_version(),
            commit=_commit(),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
        )

    def line(self) -> str:
        said = asdict(self)
        return "{date}, commit {commit}, {processor}, {cores} cores ({flags}), {memory_gb} GB, Python {python}".format(
            **said
        )


#: no code, or what a run of the bench writes itself
_OWN = (":!docs", ":!bench/results", ":!bench/RESULTS.md", ":!bench/history.jsonl", ":!bench/plots")


def _commit() -> str:
    """With a "+" where the code is another than the commit's."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":/", *_OWN)
    return (_git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()


def cpu_s(*processes: psutil.Process) -> float:
    """What these processes have computed since their start, in the system's calls too; in seconds of one core."""
    return sum(float(times.user + times.system) for times in (process.cpu_times() for process in processes))
