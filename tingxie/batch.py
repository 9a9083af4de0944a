"""Sends many files through the service, a few at a time, and says of each how it ended."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum

from tingxie.client import Client
from tingxie.errors import JobEndedBadly, TingxieClientError
from tingxie.exits import Exit
from tingxie.progress import Display, FileProgress
from tingxie.records import Job
from tingxie.sources import Source
from tingxie.submit_options import SubmitOptions


class Ending(StrEnum):
    #: the transcript was delivered
    DONE = "done"
    #: accepted by the server, and nobody asked to wait
    SUBMITTED = "submitted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Outcome:
    source: Source
    ending: Ending
    job_id: str = ""
    error: TingxieClientError | None = None


class _Stopped(Exception):
    """The user pressed Ctrl-C: leave the file in hand."""


class Stop:
    """Whether the files in hand are to be left, also by a client that waits for its server."""

    def __init__(self) -> None:
        self._asked = threading.Event()

    def ask(self) -> None:
        self._asked.set()

    def check(self) -> None:
        if self._asked.is_set():
            raise _Stopped

    def pause(self, seconds: float) -> None:
        """Wait as `time.sleep` does, but not for a file that is to be left."""
        self._asked.wait(seconds)
        self.check()


class Batch:
    """`deliver` is called with each source and its finished job, in the file's own thread; None means don't wait."""

    def __init__(
        self,
        client: Client,
        *,
        options: SubmitOptions,
        deliver: Callable[[Source, Job], None] | None,
        at_once: int,
        stop: Stop,
    ) -> None:
        self._client = client
        self._options = options
        self._deliver = deliver
        self._at_once = at_once
        self._stop = stop

    def run(self, sources: Sequence[Source], show: Display) -> list[Outcome]:
        """The outcomes in the order of the sources. KeyboardInterrupt ends the files in hand and goes on upwards."""
        with ThreadPoolExecutor(self._at_once, thread_name_prefix="submit") as pool:
            futures = [pool.submit(self._one, source, show) for source in sources]
            try:
                return [future.result() for future in futures]
            except KeyboardInterrupt:
                self._stop.ask()
                pool.shutdown(cancel_futures=True)
                raise

    def _one(self, source: Source, show: Display) -> Outcome:
        file = show.file(str(source.path.name))
        job_id = ""
        try:
            job = self._upload(source, file)
            job_id = job.id
            if self._deliver is None:
                file.ended(f"{Ending.SUBMITTED} as {job.id}")
                return Outcome(source, Ending.SUBMITTED, job.id)
            self._deliver(source, self._finished(job, file))
        except TingxieClientError as error:
            file.ended(f"{Ending.FAILED}: {error}")
            return Outcome(source, Ending.FAILED, job_id, error)
        file.ended(Ending.DONE)
        return Outcome(source, Ending.DONE, job_id)

    def _upload(self, source: Source, file: FileProgress) -> Job:
        if source.url:
            self._stop.check()
            return self._client.submit_url(source.url, options=self._options)
        total_bytes = source.size_bytes()

        def on_bytes(sent_bytes: int) -> None:
            self._stop.check()
            file.uploading(sent_bytes, total_bytes)

        return self._client.submit(source.path, options=self._options, on_bytes=on_bytes)

    def _finished(self, job: Job, file: FileProgress) -> Job:
        def on_change(job: Job) -> None:
            self._stop.check()
            file.transcribing(job)

        job = self._client.wait(job.id, on_change=on_change)
        if not job.succeeded:
            raise JobEndedBadly(job)
        return job


def exit_status(outcomes: Sequence[Outcome]) -> Exit:
    """OK, or SOME_FAILED, or UNREACHABLE where that is the reason of every failure."""
    failures = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not failures:
        return Exit.OK
    if all(error.exit_status is Exit.UNREACHABLE for error in failures):
        return Exit.UNREACHABLE
    return Exit.SOME_FAILED
