"""Short ways to bring a ledger into a state: a model, a job, prepared audio, a worker, a lapse."""

import itertools
from dataclasses import replace

from redis import Redis

from jobs.job import JobRequest
from jobs.ledger import FinishUnit, Ledger, PrepareUnit, WindowLease, WindowResult, WorkerInfo, keys
from jobs.ledger.units import Kind
from jobs.model import ModelSpec
from jobs.window import Window

RATE_HZ = 16_000
#: ten seconds of audio kept, half a second of context on each inner side
KEPT, CONTEXT = 160_000, 8_000
EVERYTHING = {"max_windows": 512, "max_samples": 1 << 50}

_claims = itertools.count()
_jobs = itertools.count()


def spec(model: str = "toy", revision: str = "r1") -> ModelSpec:
    return ModelSpec(
        model=model,
        revision=revision,
        dtype="float32",
        family="ctc",
        sampling_rate_hz=RATE_HZ,
        hop_samples=320,
        receptive_field_samples=400,
        max_window_s=30.0,
        equal_lengths_only=False,
        language="zh",
        blank_id=0,
    )


def request(job_id: str = "", **changes: object) -> JobRequest:
    number = next(_jobs)
    fields = {
        "id": job_id or f"job{number:06d}",
        "created_at": 1_700_000_000.0 + number,
        "filename": "speech.wav",
        "size_bytes": 320_000,
        "sha256": f"{number:064x}",
        "model": "toy",
        "language": None,
        "task": "transcribe",
        "timestamps": "segment",
        "cutting": "silence",
        "window_s": 20.0,
        "context_s": 0.5,
        "priority": "normal",
        "metadata": {},
    }
    return JobRequest.model_validate(fields | changes)


def windows(count: int, *, kept: int = KEPT, first: int = 0) -> list[Window]:
    """`count` windows end to end from index `first` on, `kept` samples each; the last has no right context."""
    found = []
    for index in range(first, first + count):
        left = CONTEXT if index else 0
        right = 0 if index == first + count - 1 else CONTEXT
        start, stop = index * kept - left, (index + 1) * kept + right
        found.append(Window(index, start, stop, left, right))
    return found


def claim_id() -> str:
    return f"claim{next(_claims)}"


def worker(incarnation: str, kind: Kind = "transcribe", **changes: object) -> WorkerInfo:
    info = WorkerInfo(
        incarnation=incarnation,
        kind=kind,
        host="here",
        pid=1,
        model_keys=(spec().key,) if kind == "transcribe" else (),
        idle_slots=1,
        speed=0.0,
        version="0",
    )
    return replace(info, **changes)  # type: ignore[arg-type]


def claim_prepare(ledger: Ledger, incarnation: str = "cpu") -> PrepareUnit:
    unit = ledger.claim_prepare(incarnation, claim_id())
    assert unit is not None
    return unit


def claim_finish(ledger: Ledger, incarnation: str = "cpu") -> FinishUnit:
    unit = ledger.claim_finish(incarnation, claim_id())
    assert unit is not None
    return unit


def claim(ledger: Ledger, incarnation: str = "gpu", *, model_key: str = "", **limits: int) -> list[WindowLease]:
    """A claim of the toy model's windows: all of them, unless limited."""
    return ledger.claim_windows(incarnation, claim_id(), model_key or spec().key, **EVERYTHING | limits)


def results(leases: list[WindowLease]) -> list[WindowResult]:
    """What a worker would commit: payload and text tell the window."""
    return [
        WindowResult(lease, f"{lease.job_id}/{lease.window.index}".encode(), f"<{lease.window.index}>")
        for lease in leases
    ]


def prepare(ledger: Ledger, unit: PrepareUnit, count: int = 3, *, kept: int = KEPT) -> None:
    """Register `count` windows and end the prepare."""
    total = count * kept
    ledger.register(unit, windows(count, kept=kept), decoded_s=total / RATE_HZ, duration_s=total / RATE_HZ)
    ledger.prepared(unit, total_samples=total, warnings=[])


def prepared_job(ledger: Ledger, count: int = 3, *, kept: int = KEPT, **changes: object) -> str:
    """A job whose windows all wait to be claimed."""
    ledger.announce(spec(model=str(changes.get("model", "toy"))))
    asked = request(**changes)
    ledger.create(asked)
    unit = claim_prepare(ledger)
    assert unit.job_id == asked.id
    prepare(ledger, unit, count, kept=kept)
    return asked.id


def finish(ledger: Ledger, incarnation: str = "cpu") -> str:
    """Finish the complete job that waits longest."""
    unit = claim_finish(ledger, incarnation)
    ledger.finished(unit, warnings=[])
    return unit.job_id


def lapse(redis: Redis, incarnation: str) -> None:
    """Let an incarnation's lease end now, as if it had been silent for lease_s."""
    redis.zadd(keys.key("alive"), {incarnation: 1.0}, xx=True)
    for key in redis.scan_iter(keys.key("serving", key="*")):
        redis.zadd(key, {incarnation: 1.0}, xx=True)
