"""What `tingxie doctor` looks at: the running service by its /readyz, and this machine where none runs."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tingxie import redis_server
from tingxie.data_folder import LEAST_FREE_BYTES
from tingxie.errors import StackError
from tingxie.own_redis import check_reachable

#: what each part of the service can't do without: what the extras of these names bring, those of `jobs` included
_SHARED = ("celery", "redis", "idna", "opencc", "pydantic_settings", "structlog")
_NEEDED = {
    "web": (*_SHARED, "apiflask", "flask", "gunicorn", "hiredis", "prometheus_client"),
    "worker": (
        *_SHARED,
        *("av", "httpcore", "numpy", "onnxruntime", "safetensors", "silero_vad", "soundfile", "soxr"),
        *("standardwebhooks", "torch", "transformers"),
    ),
}
_PYTHONS = ((3, 11), (3, 12))


class Mark(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it is, and what there is to say."""

    mark: Mark
    name: str
    detail: str


def of_server(readiness: Mapping[str, Any]) -> list[Finding]:
    """The server's own checks. One that isn't ok fails, unless the server marks it as worth a warning only."""
    return [_of_check(name, check) for name, check in readiness.get("checks", {}).items()]


def _of_check(name: str, check: Mapping[str, Any]) -> Finding:
    mark = Mark.OK if check.get("ok") else Mark.FAIL
    if check.get("warning"):
        mark = Mark.WARN
    return Finding(mark, name.replace("_", " "), str(check.get("detail", "")))


def of_machine(data: Path) -> Iterator[Finding]:
    """Whether `tingxie up` would find what it needs here."""
    yield _python()
    yield from (_extra(extra, modules) for extra, modules in _NEEDED.items())
    yield _redis()
    yield _disk(data.expanduser())


def _python() -> Finding:
    fits = sys.version_info[:2] in _PYTHONS
    return Finding(Mark.OK if fits else Mark.WARN, "python", f"{platform.python_version()} ({sys.executable})")


def _extra(extra: str, modules: tuple[str, ...]) -> Finding:
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        hint = f"{', '.join(missing)} not installed: pip install 'tingxie[{extra}]'"
        return Finding(Mark.FAIL, f"{extra} part", hint)
    return Finding(Mark.OK, f"{extra} part", "installed")


def _redis() -> Finding:
    url = os.environ.get("TINGXIE_REDIS_URL", "")
    try:
        if url:
            check_reachable(url)
            return Finding(Mark.OK, "redis", "TINGXIE_REDIS_URL answers")
        return Finding(Mark.OK, "redis", f"`tingxie up` would start {redis_server.find()}")
    except (StackError, redis_server.RedisNotStarted) as error:
        return Finding(Mark.FAIL, "redis", str(error))


def _disk(data: Path) -> Finding:
    existing = next(folder for folder in (data.absolute(), *data.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not os.access(existing, os.W_OK):
        return Finding(Mark.FAIL, "disk", f"{existing} isn't writable")
    return Finding(
        Mark.OK if free >= LEAST_FREE_BYTES else Mark.FAIL, "disk", f"{free / 1e9:.1f} GB free at {existing}"
    )
