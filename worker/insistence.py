"""Calls that must get through: repeated while Redis or the store is away."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from jobs.errors import Unavailable
from worker.drain import Drain

log = structlog.get_logger()

Answer = TypeVar("Answer")

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 5.0
#: a process that is to end goes on trying for so long; then its leases have to lapse
LAST_TRIES_S = 2.0


def insist(call: Callable[[], Answer], drain: Drain) -> Answer:
    """Call until it is answered; only for what may be done twice. Logs the first and the last of many attempts.

    A claim whose answer got lost must be asked for again, or this process would hold, for as long as it lives, units
    that it doesn't know of. Raises Unavailable only once the process is to end.
    """
    pause_s, away_since, deadline = FIRST_PAUSE_S, 0.0, float("inf")
    while True:
        try:
            answer = call()
        except Unavailable as error:
            now = time.monotonic()
            if not away_since:
                away_since = now
                log.warning("wait.began", reason=error.type, detail=error.detail)
            if drain.requested:
                deadline = min(deadline, now + LAST_TRIES_S)
            if now > deadline:
                log.warning("wait.given_up", reason=error.type, waited_s=round(now - away_since, 1))
                raise
        else:
            if away_since:
                log.info("wait.ended", waited_s=round(time.monotonic() - away_since, 1))
            return answer
        if drain.requested:
            time.sleep(FIRST_PAUSE_S)
        else:
            drain.wait(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
