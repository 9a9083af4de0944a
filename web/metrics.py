"""/metrics for Prometheus, and /v1/status, the figures that autoscalers and people read, as JSON."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from apiflask import APIBlueprint
from flask import Flask, Response, g, request
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from pydantic import BaseModel, Field

from jobs.ledger import WorkerInfo
from jobs.ledger.lookout_calls import Failure, InHand
from jobs.model import ModelSpec
from web.openapi import TEXT, answer, errors
from web.schemas import Answer
from web.services import services

#: of the last hour's failures, those that are told one by one
LAST_FAILURES = 20

blueprint = APIBlueprint("metrics", __name__, tag="Health")


def register(app: Flask) -> None:
    app.after_request(_count)


def _count(response: Response) -> Response:
    is_held = "wait" in request.args or "Prefer" in request.headers
    seconds = None if is_held else time.monotonic() - g.began
    services().http.answered(
        request.method, request.url_rule.rule if request.url_rule else None, response.status_code, seconds
    )
    return response


class StatusQuery(BaseModel):
    target_s: float = Field(300.0, ge=1, le=10**9, description="The backlog is to be transcribed in so many seconds.")
    model: str = Field("", max_length=512, description="Only this model's figures; all by default.")


class ModelStatus(Answer):
    """What waits for one model, and who serves it."""

    model: str
    revision: str | None = Field(description="null where no worker has ever served the model.")
    dtype: str | None
    backlog_s: float = Field(description="Seconds of audio of unfinished jobs yet to be transcribed.")
    jobs: int = Field(description="Unfinished jobs.")
    workers: int = Field(description="Live workers that take work.")
    speed: float = Field(description="Seconds of audio a second of one worker on average; 0 until measured.")
    workers_wanted: int = Field(
        description="Backlog ÷ (speed × target), rounded up; 1 where there is work and no speed is known."
    )


class InHandStatus(Answer):
    """A worker's part in one job."""

    phase: Literal["prepare", "transcribe", "finish"]
    job_id: str
    windows: int = Field(description="Of `transcribe`: how many stretches of it.")


class WorkerStatus(Answer):
    """A live process that claims work."""

    id: str
    kind: str = Field(description="`transcribe`, or `cpu`: decodes, writes transcripts, fetches.")
    host: str
    pid: int
    models: list[str]
    idle_slots: int = Field(description="Units of work that it could begin at once.")
    speed: float = Field(description="Seconds of audio a second, measured lately; 0 until measured.")
    draining: bool = Field(description="Takes no new work.")
    in_hand: list[InHandStatus] = Field(description="What it works on, or has claimed to be next.")


class FailureStatus(Answer):
    job_id: str
    type: str = Field(description="That of the job's `error`.")
    at: float


class FailuresStatus(Answer):
    """The jobs that failed within the last hour, 1,000 at most; deleted ones aside."""

    total: int
    types: dict[str, int] = Field(description="How many by the type of their `error`.")
    last: list[FailureStatus] = Field(description="The last 20, the last one first.")


class Status(Answer):
    """How much waits, and how many work on it."""

    backlog_s: float
    jobs: int
    oldest_wait_s: float = Field(description="How long the job that waits longest has waited for its first worker.")
    transcribe_workers: int
    cpu_workers: int
    workers_wanted: int = Field(description="Those of the models together.")
    models: list[ModelStatus]
    workers: list[WorkerStatus]
    failures: FailuresStatus


@blueprint.get("/metrics")
@blueprint.doc(
    operation_id="metrics",
    responses={**errors(), 200: answer("Prometheus's text format, version 0.0.4", {"text/plain": TEXT})},
)
def metrics() -> Response:
    """The service's figures for Prometheus

    Where Redis is away, `tingxie_redis_up` is 0 and the ledger's figures are left out. Wants the scope `metrics`.
    """
    return Response(generate_latest(services().registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


@blueprint.get("/v1/status")
@blueprint.input(StatusQuery, location="query")
@blueprint.output(Status)
@blueprint.doc(operation_id="getStatus", responses=errors(422, 503))
def status(query_data: StatusQuery) -> Status:
    """How much waits, how many workers there are, and how many are wanted

    Wants the scope `metrics`.
    """
    ledger = services().ledger
    found = ledger.figures()
    models = [
        ModelStatus(
            model=each.model,
            revision=each.revision,
            dtype=each.dtype,
            backlog_s=sum(each.backlog_s.values()),
            jobs=sum(each.jobs.values()),
            workers=each.workers,
            speed=each.speed,
            workers_wanted=each.workers_wanted(query_data.target_s),
        )
        for each in found.models
        if query_data.model in ("", each.model)
    ]
    in_hand = ledger.in_hand(worker.incarnation for worker in found.workers)
    taking = [worker.kind for worker in found.workers if not worker.draining]
    return Status(
        backlog_s=sum(model.backlog_s for model in models),
        jobs=sum(model.jobs for model in models),
        oldest_wait_s=ledger.oldest_wait_s(),
        transcribe_workers=taking.count("transcribe"),
        cpu_workers=taking.count("cpu"),
        workers_wanted=sum(model.workers_wanted for model in models),
        models=models,
        workers=[_shown(worker, found.specs, in_hand[worker.incarnation]) for worker in found.workers],
        failures=_failures(ledger.failures()),
    )


def _shown(worker: WorkerInfo, specs: Mapping[str, ModelSpec], in_hand: list[InHand]) -> WorkerStatus:
    return WorkerStatus(
        id=worker.incarnation,
        kind=worker.kind,
        host=worker.host,
        pid=worker.pid,
        models=[specs[key].model for key in worker.model_keys if key in specs],
        idle_slots=worker.idle_slots,
        speed=worker.speed,
        draining=worker.draining,
        in_hand=[InHandStatus(**asdict(each)) for each in in_hand],
    )


def _failures(failures: list[Failure]) -> FailuresStatus:
    return FailuresStatus(
        total=len(failures),
        types=dict(Counter(each.type for each in failures).most_common()),
        last=[FailureStatus(**asdict(each)) for each in failures[:LAST_FAILURES]],
    )
