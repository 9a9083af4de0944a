"""What the views work with, made once by create_app and reached from a request."""

from dataclasses import dataclass
from typing import cast

from flask import current_app

from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore
from jobs.submission import Submissions
from web.waiting import Waits

EXTENSION = "tingxie"


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    ledger: Ledger
    store: AudioStore
    submissions: Submissions
    waits: Waits


def services() -> Services:
    """Those of the application that serves the current request."""
    return cast("Services", current_app.extensions[EXTENSION])


def current_owner() -> str:
    """On whose behalf the current request acts; everybody is `local` as long as there are no keys."""
    return "local"
