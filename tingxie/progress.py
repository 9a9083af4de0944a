"""Shows how a run over many files goes: bars where stderr is a terminal, one line per finished file elsewhere."""

import sys
from types import TracebackType
from typing import Protocol, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from tingxie.console import stderr
from tingxie.records import Job


class FileProgress(Protocol):
    """One file's part of the display."""

    def uploading(self, sent_bytes: int, total_bytes: int) -> None: ...
    def transcribing(self, job: Job) -> None: ...
    def ended(self, remark: str) -> None: ...


class Display(Protocol):
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...
    def file(self, name: str) -> FileProgress: ...


def display(total_files: int) -> Display:
    console = stderr()
    return Bars(total_files) if console.is_terminal else Lines()


class Lines:
    """For logs and pipes: a line when a file ends, nothing in between."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def file(self, name: str) -> FileProgress:
        return _Line(name)


class _Line:
    def __init__(self, name: str) -> None:
        self._name = name

    def uploading(self, sent_bytes: int, total_bytes: int) -> None:
        pass

    def transcribing(self, job: Job) -> None:
        pass

    def ended(self, remark: str) -> None:
        stderr().print(f"{self._name}: {remark}", markup=False)


class Bars:
    """For people: a bar for each file in hand, and one over all of them where there are several."""

    def __init__(self, total_files: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TextColumn("{task.fields[remark]}", markup=False),
            TimeElapsedColumn(),
            console=stderr(),
            # Where stdout is the same terminal, what is printed goes above the bars; a pipe or file gets it as it is.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._total = total_files
        self._overall: TaskID | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        if self._total > 1:
            self._overall = self._progress.add_task("all files", total=self._total, remark="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def file(self, name: str) -> FileProgress:
        return _Bar(self._progress, self._overall, name)


class _Bar:
    """Shown from the first byte; a file that ended makes room for the next, its line stays above the bars."""

    def __init__(self, progress: Progress, overall: TaskID | None, name: str) -> None:
        self._progress = progress
        self._overall = overall
        self._name = name
        self._task = progress.add_task(name, total=1.0, remark="", visible=False)
        self._is_drawn = False

    def uploading(self, sent_bytes: int, total_bytes: int) -> None:
        share = sent_bytes / total_bytes if total_bytes else 1.0
        # Drawn at once the first time: a short upload is over before the next round of drawing.
        first, self._is_drawn = not self._is_drawn, True
        self._progress.update(self._task, completed=share, remark="uploading", visible=True, refresh=first)

    def transcribing(self, job: Job) -> None:
        self._progress.update(self._task, completed=job.progress, remark=_remark(job), visible=True)

    def ended(self, remark: str) -> None:
        self._progress.remove_task(self._task)
        self._progress.console.print(f"{self._name}: {remark}", markup=False)
        if self._overall is not None:
            self._progress.advance(self._overall)


def _remark(job: Job) -> str:
    parts = [job.stage or job.state]
    if job.queue_position:
        parts.append(f"{job.queue_position} ahead")
    if job.eta_s:
        parts.append(f"about {job.eta_s:.0f} s left")
    return ", ".join(parts)
