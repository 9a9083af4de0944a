"""What a front end does besides answering: the work on batches, in a thread of its own."""

import math
import threading
import time

import structlog

from jobs.entering import Entering
from jobs.errors import Unavailable
from web.services import Services

log = structlog.get_logger()

#: how long a batch that another front end left behind waits at most, in seconds
PERIOD_S = 1.0
#: how often it looks for uploads whose last request died before it made their job, in seconds
FORGOTTEN_S = 60.0


def start_entering(front: Services) -> None:
    """Rounds until the front end stops: at once when a batch came or there is more to do, else every PERIOD_S."""
    entering = Entering(front.ledger, front.store, front.batches, front.submissions, front.uploads, front.stopping)

    def run() -> None:
        away, looked_at = False, -math.inf
        while not front.stopping.is_set():
            front.entering.clear()
            more = False
            try:
                more = entering.round()
                if time.monotonic() - looked_at > FORGOTTEN_S:
                    front.uploads.make_forgotten_jobs()
                    looked_at = time.monotonic()
                away = False
            except Unavailable as error:
                if not away:
                    log.warning("batches.away", reason=error.type, detail=error.detail)
                away = True
            except Exception:
                log.exception("batches.failed")
            if not more:
                front.entering.wait(PERIOD_S)

    threading.Thread(target=run, name="batches", daemon=True).start()
