"""The machine and the moment that a measurement belongs to."""

import os
import platform
import subprocess
from dataclasses import dataclass
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
        first = (line.partition(":") for line in info.partition("\n\n")[0].splitlines())
        cpu = {name.strip(): value.strip() for name, _, value in first}
        flags = cpu.get("flags", "").split()
        return cls(
            processor=_processor(cpu) or platform.processor() or platform.machine(),
            cores=os.cpu_count() or 0,
            flags=" ".join(flag for flag in _TELLING_FLAGS if flag in flags),
            memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
            python=platform.python_version(),
            commit=_commit(),
            date=datetime.now(UTC).strftime("%Y-%m-%d"),
        )

    def kind(self) -> str:
        """What decides how fast it computes."""
        return f"{self.processor}, {self.cores} cores ({self.flags})"

    def line(self) -> str:
        return f"{self.date}, commit {self.commit}, {self.kind()}, {self.memory_gb} GB, Python {self.python}"


def _processor(cpu: dict[str, str]) -> str:
    """Its name, and its model, since clouds call several of them by one name. cpu: what /proc/cpuinfo says of one."""
    name, family, model = (cpu.get(key, "") for key in ("model name", "cpu family", "model"))
    return f"{name} (family {family}, model {model})" if name and family else name


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
