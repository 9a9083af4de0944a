"""The two Celery tasks: a hint arrives, a worker works. Nothing is in the message, and nothing comes back.

A newer version may put something into it: it is a hint nevertheless. Celery itself drops one of a task that it doesn't
know, with an error in the log; the reconciler sends hints anew.
"""

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.worker.request import Request

from jobs.broker import CPU_TASK, TRANSCRIBE_TASK


class Hint(Request):
    """Taken without acknowledgement (worker/program.py), which kombu would carry out all the same."""

    def acknowledge(self) -> None:
        self.acknowledged = True


def add_cpu_task(app: Celery, work: Callable[[], None]) -> None:
    """`tingxie.work_cpu`: prepare and finish units."""
    app.task(name=CPU_TASK, Request=Hint)(_whatever_it_says(work))


def add_transcribe_task(app: Celery, work: Callable[[], None]) -> None:
    """`tingxie.work_transcribe`: windows of the model that this process serves."""
    app.task(name=TRANSCRIBE_TASK, Request=Hint)(_whatever_it_says(work))


def _whatever_it_says(work: Callable[[], None]) -> Callable[..., None]:
    def task(*_: Any, **__: Any) -> None:
        work()

    return task
