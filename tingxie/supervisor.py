"""Keeps the children of `tingxie up` alive, and stops them in order: workers first, then web, then Redis."""

import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

import typer

from tingxie.child import Child
from tingxie.errors import StackError
from tingxie.exits import Exit
from tingxie.own_redis import OwnRedis
from tingxie.recovery import Recovery

_TICK_S = 0.1
#: /readyz writes to the store and asks Redis: not something to do all the time
_READY_EVERY_S = 0.5
#: a batch is at most about 2 s of compute, a slow machine's first one several times that
_DRAIN_S = 60.0
#: before the stack was ready there is no batch to end
_DRAIN_AT_START_S = 5.0
#: deaths of one child, one after another, before the stack was ever ready: a restart won't help
_DEATHS_AT_START = 3


class Supervisor:
    """`groups` are stopped in this order, each as a whole. recovery: asked for when Redis was started again."""

    def __init__(
        self, groups: Sequence[Sequence[Child]], redis: OwnRedis | None, recovery: Recovery | None = None
    ) -> None:
        self._groups = groups
        self._children = [child for group in groups for child in group]
        self._redis = redis
        self._recovery = recovery
        self._was_ready = False
        self._ask_at = 0.0
        self._stops_asked = 0

    def run(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Until SIGINT or SIGTERM; then drain. A second one kills at once. Raises StackError; nothing stays running."""
        before = {number: signal.signal(number, self._ask_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            while not self._stops_asked:
                self._look_after(is_ready, on_ready)
                time.sleep(_TICK_S)
            typer.echo("stopping: workers end the batch in hand (Ctrl-C again stops at once)", err=True)
        finally:
            self._stop_all()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _ask_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops_asked += 1

    def _look_after(self, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        restarted = self._redis is not None and self._redis.look_after()
        if self._recovery is not None:
            if restarted:
                self._recovery.ask()
            self._recovery.look_after()
        for child in self._children:
            status = child.ended()
            if status is not None:
                self._bury(child, status)
            elif child.due:
                child.start()
        if not self._was_ready and time.monotonic() >= self._ask_at:
            self._was_ready = is_ready()
            self._ask_at = time.monotonic() + _READY_EVERY_S
            if self._was_ready:
                on_ready()

    def _bury(self, child: Child, status: int) -> None:
        """Say that a child ended and plan its restart. Raises StackError where a restart can't help."""
        reason = child.log.last_line()
        if status == Exit.CONFIGURATION:
            raise StackError(f"{child.name} can't start: {reason}")
        pause_s = child.plan_restart()
        if not self._was_ready and child.deaths >= _DEATHS_AT_START:
            raise StackError(f"{child.name} ended {child.deaths} times (status {status}): {reason}")
        typer.echo(f"{child.name} ended (status {status}), restarting in {pause_s:g} s: {reason}", err=True)

    def _stop_all(self) -> None:
        if self._recovery is not None:
            self._recovery.stop()
        for group in self._groups:
            self._stop_group(group)
        if self._redis is not None:
            self._redis.stop()
        for child in self._children:
            child.log.close()

    def _stop_group(self, group: Sequence[Child]) -> None:
        for child in group:
            child.ask_to_stop()
        deadline = time.monotonic() + (_DRAIN_S if self._was_ready else _DRAIN_AT_START_S)
        asked_at_once = False
        while any(child.running for child in group):
            for child in group:
                child.ended()
            late = time.monotonic() > deadline or self._stops_asked > 1
            if late and not asked_at_once:
                asked_at_once = True
                for child in group:
                    child.kill()
            time.sleep(_TICK_S)
