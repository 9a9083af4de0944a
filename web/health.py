"""/healthz: this process lives. /readyz: whether jobs are accepted, and worked on."""

from collections.abc import Callable
from typing import TypeVar

from apiflask import APIBlueprint
from flask import Response

from jobs.errors import Unavailable
from jobs.ledger import WorkerInfo
from web.schemas import Alive, Check, Readiness, ReadyQuery
from web.services import Services, services

Found = TypeVar("Found")

blueprint = APIBlueprint("health", __name__, tag="Health")


@blueprint.get("/healthz")
@blueprint.output(Alive)
@blueprint.doc(operation_id="healthz")
def healthz() -> Alive:
    """Whether this process lives; looks at nothing else"""
    return Alive()


@blueprint.get("/readyz")
@blueprint.input(ReadyQuery, location="query")
@blueprint.output(Readiness)
@blueprint.doc(responses={503: "Not ready"}, operation_id="readyz")
def readyz(query_data: ReadyQuery) -> Response:
    """Whether this service is ready for work

    `want=accepting` asks only whether jobs are accepted.
    """
    report = readiness(services(), query_data.want)
    return Response(report.model_dump_json(), 200 if report.ready else 503, content_type="application/json")


def readiness(front: Services, want: str) -> Readiness:
    redis, workers = _tried(lambda: _live_workers(front), list[WorkerInfo]())
    store, _ = _tried(lambda: _free_space(front), None)
    transcribing = [worker for worker in workers if worker.kind == "transcribe"]
    preparing = [worker for worker in workers if worker.kind == "cpu"]
    accepting = redis.ok and store.ok
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
        },
    )


def _live_workers(front: Services) -> tuple[str, list[WorkerInfo]]:
    """Those that still take work."""
    workers = front.ledger.workers()
    return f"{len(workers)} workers", [worker for worker in workers if not worker.draining]


def _free_space(front: Services) -> tuple[str, None]:
    free_bytes = front.store.check()
    return f"{free_bytes / 1e9:.1f} GB free" if free_bytes >= 0 else "free space unknown", None


def _tried(look: Callable[[], tuple[str, Found]], otherwise: Found) -> tuple[Check, Found]:
    try:
        detail, found = look()
    except Unavailable as error:
        return Check(ok=False, detail=error.title), otherwise
    return Check(ok=True, detail=detail), found
