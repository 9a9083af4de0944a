"""The two Celery tasks: a hint arrives, a worker works. Nothing is in the message, and nothing comes back."""

from collections.abc import Callable

from celery import Celery

from jobs.broker import CPU_TASK, TRANSCRIBE_TASK


def add_cpu_task(app: Celery, work: Callable[[], None]) -> None:
    """`tingxie.work_cpu`: prepare and finish units."""
    app.task(name=CPU_TASK)(work)


def add_transcribe_task(app: Celery, work: Callable[[], None]) -> None:
    """`tingxie.work_transcribe`: windows of the model that this process serves."""
    app.task(name=TRANSCRIBE_TASK)(work)
