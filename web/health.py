"""/healthz: this process lives. /readyz: whether jobs are accepted, and worked on."""

from collections.abc import Callable
from typing import TypeVar

from apiflask import APIBlueprint
from flask import Response

from jobs.errors import Unavailable
from jobs.ledger import WorkerInfo
from web.openapi import answer, errors, takes
from web.schemas import Alive, Check, Readiness, ReadyQuery
from web.services import Services, services

Found = TypeVar("Found")

#: less room than a handful of long recordings take
LITTLE_SPACE_BYTES = 2_000_000_000
#: a job that nobody has begun for this long wants more workers
LONG_WAIT_S = 600.0

blueprint = APIBlueprint("health", __name__, tag="Health")


@blueprint.get("/healthz")
@blueprint.output(Alive)
@blueprint.doc(operation_id="healthz", extensions=takes(open=True))
def healthz() -> Alive:
    """Whether this process lives; looks at nothing else"""
    return Alive()


@blueprint.get("/readyz")
@blueprint.input(ReadyQuery, location="query")
@blueprint.output(Readiness)
@blueprint.doc(
    responses={**errors(422), 503: answer("Not ready", {"application/json": Readiness})},
    operation_id="readyz",
    extensions=takes(open=True),
)
def readyz(query_data: ReadyQuery) -> Response:
    """Whether this service is ready for work

    `want=accepting` asks only whether jobs are accepted.
    """
    report = readiness(services(), query_data.want)
    return Response(report.model_dump_json(), 200 if report.ready else 503, content_type="application/json")


def readiness(front: Services, want: str) -> Readiness:
    redis, _ = _tried(lambda: _redis(front), None)
    store, _ = _tried(lambda: _free_space(front), None)
    accepting = redis.ok and store.ok
    ask = _tried if redis.ok else _unasked
    _, workers = ask(lambda: _live_workers(front), list[WorkerInfo]())
    transcribing = [worker for worker in workers if worker.kind == "transcribe"]
    preparing = [worker for worker in workers if worker.kind == "cpu"]
    models, _ = ask(lambda: _served_models(front), None)
    oldest_wait, _ = ask(lambda: _oldest_wait(front), None)
    working = accepting and bool(transcribing) and bool(preparing)
    return Readiness(
        ready=accepting if want == "accepting" else working,
        accepting=accepting,
        working=working,
        checks={
            "redis": redis,
            "store": store,
            "transcribe_workers": Check(ok=bool(transcribing), detail=f"{len(transcribing)} live"),
            "cpu_workers": Check(ok=bool(preparing), detail=f"{len(preparing)} live"),
            "models": models,
            "oldest_wait": oldest_wait,
        },
    )


def _redis(front: Services) -> tuple[Check, None]:
    health = front.ledger.redis_health()
    kept = "append-only file on" if health.appends else "append-only file off or failing: jobs are lost if Redis ends"
    evicted = health.eviction if health.eviction == "noeviction" else f"{health.eviction}: jobs may be evicted"
    return Check(ok=True, detail=f"{health.version}, {kept}, {evicted}", warning=not health.keeps_everything), None


def _live_workers(front: Services) -> tuple[Check, list[WorkerInfo]]:
    """Those that still take work."""
    workers = [worker for worker in front.ledger.workers() if not worker.draining]
    return Check(ok=True, detail=f"{len(workers)} live"), workers


def _free_space(front: Services) -> tuple[Check, None]:
    free_bytes = front.store.check()
    detail = f"{free_bytes / 1e9:.1f} GB free" if free_bytes >= 0 else "free space unknown"
    return Check(ok=True, detail=detail, warning=0 <= free_bytes < LITTLE_SPACE_BYTES), None


def _served_models(front: Services) -> tuple[Check, None]:
    served = [f"{spec.model} ({spec.dtype}, {live} live)" for spec, live in front.ledger.models() if live]
    return Check(ok=bool(served), detail=", ".join(served) or "none is served"), None


def _oldest_wait(front: Services) -> tuple[Check, None]:
    wait_s = front.ledger.oldest_wait_s()
    return Check(ok=True, detail=f"{wait_s:.0f} s", warning=wait_s > LONG_WAIT_S), None


def _unasked(_look: Callable[[], tuple[Check, Found]], otherwise: Found) -> tuple[Check, Found]:
    """In place of _tried where Redis is away: each more question would wait for it once more."""
    return Check(ok=False, detail="unknown"), otherwise


def _tried(look: Callable[[], tuple[Check, Found]], otherwise: Found) -> tuple[Check, Found]:
    try:
        return look()
    except Unavailable as error:
        return Check(ok=False, detail=error.title), otherwise
