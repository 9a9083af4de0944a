"""The Flask application: blueprints, errors, headers and logs put together."""

import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

from apiflask import APIFlask
from prometheus_client import CollectorRegistry

from jobs.batches import Batches
from jobs.broker import Hinter
from jobs.keyring import Keyring
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore
from jobs.submission import Submissions
from jobs.uploads import Uploads
from web import (
    audio,
    auth,
    batches,
    bodies,
    docs,
    events,
    fast_poll,
    headers,
    health,
    index,
    jobs,
    joining,
    listing,
    metrics,
    models,
    objects,
    openapi,
    page_views,
    problems,
    proxies,
    rate_limit,
    request_log,
    session,
    submitting,
    transcripts,
    upload,
    uploads,
    waveforms,
    webhooks,
)
from web.http_metrics import HttpMetrics
from web.key_cache import KeyCache
from web.ledger_metrics import LedgerMetrics
from web.news import News
from web.openai import views as openai_views
from web.rate_limit import RateLimits
from web.services import EXTENSION, Services
from web.waiting import Waits


class App(APIFlask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view or hook is a coroutine; Flask would ask each of them anew with each request."""
        return func


def create_app(
    settings: Settings,
    ledger: Ledger,
    store: AudioStore,
    hinter: Hinter,
    *,
    stopping: threading.Event | None = None,
) -> APIFlask:
    """The front end as a WSGI application. Once `stopping` is set, waiting polls are answered at once."""
    app = App(
        __name__,
        title="Tingxie",
        version=version("tingxie"),
        docs_path=None,  # web.docs serves one that needs no other host
        static_folder=None,  # type: ignore[arg-type]  # Flask knows none
    )
    app.config.update(AUTO_404_RESPONSE=False, AUTO_VALIDATION_ERROR_RESPONSE=False, AUTO_SERVERS=False)
    app.description = openapi.DESCRIPTION
    submissions = Submissions(settings, ledger, store, hinter)
    stopping = stopping or threading.Event()
    registry = CollectorRegistry()
    registry.register(LedgerMetrics(ledger))
    app.extensions[EXTENSION] = Services(
        settings=settings,
        ledger=ledger,
        store=store,
        submissions=submissions,
        uploads=Uploads(settings, ledger, store, submissions),
        batches=Batches(ledger, store),
        entering=threading.Event(),
        stopping=stopping,
        waits=Waits(
            slots=settings.web_streams,
            longest_s=settings.max_wait_s,
            news=News(ledger, stopping),
        ),
        keys=KeyCache(Keyring(store), ledger),
        rates=RateLimits(ledger),
        registry=registry,
        http=HttpMetrics(registry),
    )
    for part in (
        request_log,
        metrics,
        auth,
        rate_limit,
        fast_poll,
        headers,
        proxies,
        problems,
        openapi,
        bodies,
        upload,
    ):
        part.register(app)
    for part in (
        submitting,
        listing,
        jobs,
        audio,
        transcripts,
        waveforms,
        events,
        uploads,
        openai_views,
        batches,
        models,
        webhooks,
        health,
        metrics,
        index,
        docs,
        page_views,
        session,
    ):
        app.register_blueprint(part.blueprint)
    for part in (objects, joining) if settings.worker_token else ():
        app.register_blueprint(part.blueprint)
    return app
