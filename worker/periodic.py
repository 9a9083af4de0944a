"""A thread that does one thing again and again."""

import threading
from collections.abc import Callable

import structlog

from jobs.errors import Unavailable

log = structlog.get_logger()


class Periodic:
    """Calls `act` every `period_s` seconds until it is stopped, whatever `act` raises.

    An outage of Redis or the store is logged once, at its beginning and its end.
    """

    def __init__(self, name: str, period_s: float, act: Callable[[], None]) -> None:
        self._name = name
        self._period_s = period_s
        self._act = act
        self._stopped = threading.Event()
        self._is_away = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Returns once a call of `act` in progress has ended, or after `timeout_s`."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._once()
            self._stopped.wait(self._period_s)

    def _once(self) -> None:
        try:
            self._act()
        except Unavailable as error:
            if not self._is_away:
                log.warning("chore.away", chore=self._name, reason=error.type, detail=error.detail)
            self._is_away = True
        except Exception:
            # A mistake in one round must not end the heartbeat or the reconciler for good.
            log.exception("chore.failed", chore=self._name)
        else:
            if self._is_away:
                log.info("chore.back", chore=self._name)
            self._is_away = False
