"""What the views work with, made once by create_app and reached from a request."""

import threading
from dataclasses import dataclass
from typing import cast

from flask import current_app, g
from prometheus_client import CollectorRegistry

from jobs.api_key import ApiKey, Scope
from jobs.batches import Batches
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore
from jobs.submission import Submissions
from jobs.uploads import Uploads
from web.http_metrics import HttpMetrics
from web.key_cache import KeyCache
from web.rate_limit import RateLimits
from web.waiting import Waits

EXTENSION = "tingxie"


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    ledger: Ledger
    store: AudioStore
    submissions: Submissions
    uploads: Uploads
    batches: Batches
    #: set when there is work on a batch (web.background)
    entering: threading.Event
    waits: Waits
    stopping: threading.Event
    keys: KeyCache
    rates: RateLimits
    #: what /metrics tells
    registry: CollectorRegistry
    http: HttpMetrics


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a request acts; everybody is `local`, without a key, as long as there are no keys."""

    owner: str = "local"
    key: ApiKey | None = None

    @property
    def is_admin(self) -> bool:
        return self.key is not None and Scope.ADMIN in self.key.scopes

    @property
    def sees(self) -> str | None:
        """Whose jobs: one owner's, or None for everybody's."""
        return None if self.is_admin else self.owner


def services() -> Services:
    """Those of the application that serves the current request."""
    return cast("Services", current_app.extensions[EXTENSION])


def current_owner() -> str:
    """Whose the jobs are that the current request makes."""
    return current_caller().owner


def current_caller() -> Caller:
    """Who makes the current request (web.auth)."""
    return cast("Caller", g.caller)
