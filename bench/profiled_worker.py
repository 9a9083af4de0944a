"""A worker that keeps time, otherwise as `tingxie` runs it: `python -m bench.profiled_worker worker KIND`.

Each process writes what it has spent, stage by stage, to a file of its own in $BENCH_PROFILE after each batch or unit.
"""

import json
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from jobs.ledger import Ledger
from tingxie.cli import main
from worker import cpu
from worker.cutting import Cutter
from worker.decode import AudioSource, Resampler
from worker.forwarder import Forwarder
from worker.registrar import Registrar
from worker.transcribe import Transcriber

FOLDER = Path(os.environ["BENCH_PROFILE"])

#: (whose, method) → stage. One stage's time lies in another's where INSIDE says so.
STAGES = {
    (Resampler, "feed"): "resample",
    (Resampler, "finish"): "resample",
    (Cutter, "feed"): "cut",
    (Cutter, "finish"): "cut",
    (Registrar, "write"): "write windows",
    (Registrar, "register"): "register windows",
    (Ledger, "claim_prepare"): "claim a unit",
    (Ledger, "claim_finish"): "claim a unit",
    (Ledger, "claim_windows"): "claim windows",
    (Ledger, "start"): "start",
    (Transcriber, "_load"): "load windows",
    (Forwarder, "run"): "forward",
    (Ledger, "commit"): "commit",
}

spent_s: defaultdict[str, float] = defaultdict(float)
_lock = threading.Lock()


def _add(stage: str, began: float) -> None:
    with _lock:
        spent_s[stage] += time.perf_counter() - began


def _timed(stage: str, function: Callable[..., Any], *, keep: bool = False, empty: str = "") -> Callable[..., Any]:
    """keep: what has been spent goes to the file. empty: the stage of a call that found nothing."""

    @wraps(function)
    def timed(*values: Any, **named: Any) -> Any:
        began = time.perf_counter()
        found = function(*values, **named)
        _add(empty if empty and not found else stage, began)
        if keep:
            _write()
        return found

    return timed


def _timed_blocks(source: AudioSource) -> Iterator[Any]:
    blocks = _blocks(source)
    while True:
        began = time.perf_counter()
        block = next(blocks, None)
        _add("decode", began)
        if block is None:
            return
        yield block


def _write() -> None:
    with _lock:
        unfinished = FOLDER / f"{os.getpid()}.part"
        unfinished.write_text(json.dumps(spent_s))
        unfinished.rename(FOLDER / f"{os.getpid()}.json")


_blocks = AudioSource.blocks

if __name__ == "__main__":
    for (owner, name), stage in STAGES.items():
        idle = "look for work in vain" if stage.startswith("claim") else ""
        setattr(owner, name, _timed(stage, getattr(owner, name), keep=name == "commit", empty=idle))
    AudioSource.blocks = _timed_blocks  # type: ignore[method-assign, assignment]
    cpu.prepare = _timed("prepare", cpu.prepare, keep=True)  # type: ignore[attr-defined]
    cpu.finish = _timed("finish", cpu.finish, keep=True)  # type: ignore[attr-defined]
    main()
