"""The ledger's figures as Prometheus's metrics. Every front end tells the same of them: take the greatest, not the sum.

Workers listen on no port: what they have done comes with their heartbeats, and is told here for each live one.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.errors import Unavailable
from jobs.ledger import Ledger
from jobs.ledger.figures_calls import STAGE_BOUNDS_S, Figures, ModelFigures
from jobs.ledger.units import WorkerInfo
from jobs.ledger.upkeep_calls import ENDINGS, OUTCOMES

MODEL = ("model", "revision", "dtype")
WORKER = ("worker", "host", "model")
#: counter of the ledger → name and meaning
COUNTED = {
    "committed": ("tingxie_windows_committed", "Windows transcribed."),
    "redone": ("tingxie_windows_redone", "Those of them whose earlier attempt was lost with its worker."),
    "fenced": ("tingxie_windows_fenced", "Results refused, since their lease had lapsed or their job had ended."),
    "suspects": ("tingxie_windows_suspect", "Windows that were in a batch whose process died or that failed."),
    "lapsed": ("tingxie_units_lapsed", "Units taken back from workers that fell silent."),
    "hints": ("tingxie_hints_reconciled", "Hints that the reconciler had to send."),
    "created": ("tingxie_jobs_created", "Jobs entered."),
}
#: what a live worker has done → name and meaning
DONE = {
    "batches": ("tingxie_worker_batches", "Batches that a live worker has run."),
    "windows": ("tingxie_worker_windows", "Windows in them."),
    "useful_s": ("tingxie_worker_useful_seconds", "Audio in them without its context, in seconds."),
    "read_s": ("tingxie_worker_read_seconds", "The same with its context, in seconds."),
    "compute_s": ("tingxie_worker_compute_seconds", "Time that they took the model, in seconds."),
    "fill": ("tingxie_worker_batch_fill", "Sum of how full each of them was, 0 to 1."),
}


class LedgerMetrics(Collector):
    """Asks the ledger at each scrape. Where Redis is away, that is all that it tells."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def collect(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("tingxie_build_info", "1; the version is a label.", labels=["version"])
        build.add_metric([version("tingxie")], 1)
        yield build
        found: list[Metric] | None
        try:
            found = self._found()
        except Unavailable:
            found = None
        yield GaugeMetricFamily("tingxie_redis_up", "1 if Redis answers, else 0.", value=int(found is not None))
        yield from found or ()

    def _found(self) -> list[Metric]:
        figures, counters = self._ledger.figures(), self._ledger.counters()
        oldest_wait_s = self._ledger.oldest_wait_s()
        return [
            *_of_models(figures.models),
            *_of_workers(figures),
            *_counters(counters),
            _stages(figures),
            GaugeMetricFamily(
                "tingxie_oldest_wait_seconds",
                "How long the job that waits longest has waited for its first worker.",
                value=oldest_wait_s,
            ),
            GaugeMetricFamily(
                "tingxie_cpu_units_claimable", "Prepares and finishes that wait for a worker.", value=figures.cpu_units
            ),
            GaugeMetricFamily(
                "tingxie_webhooks_pending", "Webhooks to be sent, now or again later.", value=figures.webhooks_pending
            ),
        ]


def _of_models(models: Sequence[ModelFigures]) -> list[Metric]:
    by_priority = [*MODEL, "priority"]
    backlog = GaugeMetricFamily(
        "tingxie_backlog_seconds", "Audio of unfinished jobs yet to be transcribed.", labels=by_priority
    )
    jobs = GaugeMetricFamily("tingxie_jobs_unfinished", "Jobs queued or running.", labels=by_priority)
    windows = GaugeMetricFamily("tingxie_windows_claimable", "Windows that wait for a worker.", labels=MODEL)
    workers = GaugeMetricFamily("tingxie_model_workers", "Live workers that serve the model.", labels=MODEL)
    for model in models:
        labels = [model.model, model.revision or "", model.dtype or ""]
        for priority in ("high", "normal", "low"):
            backlog.add_metric([*labels, priority], model.backlog_s.get(priority, 0))
            jobs.add_metric([*labels, priority], model.jobs.get(priority, 0))
        windows.add_metric(labels, model.claimable_windows)
        workers.add_metric(labels, model.workers)
    return [backlog, jobs, windows, workers]


def _of_workers(figures: Figures) -> list[Metric]:
    kinds = GaugeMetricFamily("tingxie_workers", "Live workers that take work.", labels=["kind"])
    for kind in ("transcribe", "cpu"):
        kinds.add_metric([kind], sum(each.kind == kind and not each.draining for each in figures.workers))
    speed = GaugeMetricFamily(
        "tingxie_worker_speed", "Seconds of audio per second, measured lately; 0 until known.", labels=WORKER
    )
    memory = GaugeMetricFamily(
        "tingxie_device_memory_bytes",
        "Memory of a worker's device: used and peak of its process, total of the device.",
        labels=[*WORKER, "of"],
    )
    done = {field: CounterMetricFamily(name, meaning, labels=WORKER) for field, (name, meaning) in DONE.items()}
    for worker in figures.workers:
        if worker.kind == "transcribe":
            labels = [worker.incarnation, worker.host, _model_of(worker, figures)]
            speed.add_metric(labels, worker.speed)
            for of in ("used", "peak", "total"):
                memory.add_metric([*labels, of], getattr(worker.memory, of))
            for field, family in done.items():
                family.add_metric(labels, getattr(worker.work, field))
    return [kinds, speed, memory, *done.values()]


def _model_of(worker: WorkerInfo, figures: Figures) -> str:
    return next((figures.specs[key].model for key in worker.model_keys if key in figures.specs), "")


def _counters(counters: Mapping[str, int]) -> list[Metric]:
    plain = [CounterMetricFamily(name, meaning, value=counters[field]) for field, (name, meaning) in COUNTED.items()]
    ended = CounterMetricFamily("tingxie_jobs_ended", "Jobs by how they ended.", labels=["state"])
    for state in ENDINGS:
        ended.add_metric([state], counters[state])
    webhooks = CounterMetricFamily("tingxie_webhook_attempts", "Attempts of webhooks by outcome.", labels=["outcome"])
    for outcome in OUTCOMES:
        webhooks.add_metric([outcome], counters[f"webhook_{outcome}"])
    return [*plain, ended, webhooks]


def _stages(figures: Figures) -> Metric:
    stages = HistogramMetricFamily(
        "tingxie_stage_seconds", "How long each stage took of jobs that succeeded, and all of it.", labels=["stage"]
    )
    bounds = [*map(str, map(float, STAGE_BOUNDS_S)), "+Inf"]
    for stage, found in figures.stages.items():
        stages.add_metric([stage], list(zip(bounds, accumulate(found.counts), strict=True)), found.sum_s)
    return stages
