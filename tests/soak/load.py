"""The load: jobs over HTTP all along, as many at a time as keep the workers busy, and what became of each."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.soak.recordings import Recording, choose
from tingxie.client import Client
from tingxie.errors import JobUnknown, TingxieClientError
from tingxie.records import Job

#: jobs that have not ended, at any time
OUTSTANDING = 8
#: between two submissions; together with OUTSTANDING, two cores keep up
SPACING_S = 0.5
POLL_S = 0.4


@dataclass
class Submitted:
    job_id: str
    recording: Recording
    ended: Job | None = None


class Load:
    """A thread that submits until `stop`; `poll` from any one thread tells how far the jobs are."""

    def __init__(self, url: str, next_recording: Callable[[], Recording | None]) -> None:
        self._client = Client(url, timeout_s=20.0, patience_s=0.0)  # how often it fails is to be seen
        self._next = next_recording
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self.jobs: list[Submitted] = []
        #: submissions that were answered by an error, and repeated
        self.refused = 0
        self.errors: list[str] = []

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(60.0)

    @property
    def open(self) -> list[Submitted]:
        return [each for each in self.jobs if each.ended is None]

    def poll(self) -> list[Submitted]:
        """Ask about those that have not ended; returns the ones that still have not."""
        for each in self.open:
            try:
                job = self._client.status(each.job_id)
            except JobUnknown:
                continue  # counted as lost, should it stay so
            except TingxieClientError:
                break  # the front end or Redis is away
            if job.ended:
                each.ended = job
        return self.open

    def text(self, each: Submitted) -> str:
        return self._client.transcript_text(each.job_id)

    def finish(self, timeout_s: float, tend: Callable[[], None]) -> None:
        """Submit no more; wait until all have ended, or no longer than `timeout_s`."""
        self.stop()
        deadline = time.monotonic() + timeout_s
        while self.poll() and time.monotonic() < deadline:
            tend()
            time.sleep(POLL_S)

    def _run(self) -> None:
        while not self._stopped.wait(SPACING_S):
            if len(self.open) >= OUTSTANDING:
                continue
            recording = self._next()
            if recording is None:
                return
            try:
                self._submit(recording)
            except Exception as error:  # noqa: BLE001 (reported as a failure of the soak)
                self.errors.append(f"submit: {error!r}")

    def _submit(self, recording: Recording) -> None:
        """Until it is answered 202, as a careful client does."""
        while not self._stopped.is_set():
            try:
                job = self._client.submit(recording.path)
            except TingxieClientError:
                self.refused += 1
                self._stopped.wait(1.0)
            else:
                self.jobs.append(Submitted(job.id, recording))
                return


def at_random(recordings: list[Recording], seed: int) -> Callable[[], Recording]:
    chooser = random.Random(seed)
    return lambda: choose(recordings, chooser)


def each_once(recordings: list[Recording]) -> Callable[[], Recording | None]:
    left = list(recordings)
    return lambda: left.pop() if left else None
