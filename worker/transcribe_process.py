"""The transcribe worker's process: one model on one device, a few threads that load, run and commit."""

from collections.abc import Callable

from jobs.broker import Hinter, make_celery, transcribe_queue
from jobs.ledger import Ledger
from jobs.logs import configure_logs
from jobs.settings import Settings
from worker.batching import BatchPlan
from worker.drain import Drain
from worker.forwarder import Forwarder, Model
from worker.heartbeat import Heartbeat, new_incarnation
from worker.insistence import insist
from worker.memory import keep_freed_memory
from worker.model_thread import ModelThread
from worker.own_store import open_own_store
from worker.program import run_program
from worker.slots import Slots
from worker.tasks import add_transcribe_task
from worker.transcribe import Transcriber
from worker.upkeep import Upkeep
from worker.watchdog import Watchdog


def run_transcribe(settings: Settings, load: Callable[[Settings], Model]) -> int:
    """Load the model, then work until a signal drains this process; returns its exit status.

    Raises SetupError or ModelRefused before any work, where no restart will help; StoreUnavailable where one may.
    """
    keep_freed_memory()
    incarnation = new_incarnation("transcribe")
    configure_logs(settings, worker=incarnation)
    store = open_own_store(settings)
    model = ModelThread(lambda: load(settings))
    spec = model.spec
    drain = Drain()
    ledger = Ledger.connect(settings)
    app = make_celery(settings)
    hinter = Hinter(app)
    slots = Slots(settings.transcribe_threads)
    plan = BatchPlan(settings, spec.sampling_rate_hz)
    forwarder = Forwarder(model, plan, Watchdog("forward.hung", settings.forward_timeout_s), drain)
    transcriber = Transcriber(
        spec.key,
        ledger,
        store,
        hinter,
        incarnation=incarnation,
        forwarder=forwarder,
        plan=plan,
        slots=slots,
        drain=drain,
    )
    heartbeat = Heartbeat(
        ledger,
        incarnation,
        "transcribe",
        period_s=settings.heartbeat_s,
        slots=slots,
        drain=drain,
        spec=spec,
        speed=lambda: plan.speed,
        work=lambda: plan.work,
        memory=model.memory,
    )
    # finish may need these files as soon as a job is pinned to the model.
    insist(lambda: model.save_tokenizer(store), drain)
    insist(lambda: ledger.announce(spec), drain)
    upkeep = Upkeep(heartbeat, ledger, store, hinter, settings, incarnation=incarnation)
    upkeep.start()
    add_transcribe_task(app, transcriber.work)
    status = run_program(
        app,
        drain,
        name=incarnation,
        queue=transcribe_queue(spec.key),
        pool="threads",
        concurrency=settings.transcribe_threads,
    )
    upkeep.stop()
    return status
