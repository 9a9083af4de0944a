"""A long job whose windows are cut already: in the store, and claimable at one moment, when `release` says so."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.ledger import Ledger, PrepareUnit
from jobs.settings import Settings
from jobs.store import layout
from jobs.window import Window
from tests.support import ledger as given
from tests.support.fake_model import RATE_HZ, FakeModel
from tests.support.service import Service, service
from tests.support.speechlike import sound, wav
from tests.support.waiting import eventually
from tingxie import redis_server
from worker import samples
from worker.cpu import MOST_WOKEN

#: fixed cutting, 19 s kept of each 20 s
WINDOW: dict[str, Any] = {"cutting": "fixed", "window_s": 20.0, "context_s": 0.5}
KEPT_S = 19
DEVICE = "bench.simulated_device"
#: the bench holds the prepare of the job until it lets go; nobody is to take it over
HELD_S = 3600.0
#: windows a device that a job before has: the first task of a process imports, connects and knows no speed yet
WARMING = 4
#: a Celery worker whose threads were all busy looks at its queue again at its hub's next tick
LISTENING_S = 1.5


@dataclass(frozen=True, slots=True)
class Objects:
    """One file for each window of a job, to be linked into a store of the same disk."""

    folder: Path
    windows: list[Window]

    @classmethod
    def write(cls, folder: Path, audio_s: float) -> "Objects":
        folder.mkdir()
        windows = given.windows(round(audio_s / KEPT_S), kept=KEPT_S * RATE_HZ)
        encoded: dict[int, bytes] = {}
        for window in windows:
            data = encoded.setdefault(window.samples, samples.encode(sound(window.samples / RATE_HZ)))
            (folder / str(window.index)).write_bytes(data)
        return cls(folder, windows)

    def link(self, store: Path, job_id: str) -> None:
        first = store / layout.window(job_id, 0)
        first.parent.mkdir(parents=True)
        for window in self.windows:
            os.link(self.folder / str(window.index), store / layout.window(job_id, window.index))


@dataclass(frozen=True, slots=True)
class LongJob:
    running: Service
    ledger: Ledger
    unit: PrepareUnit
    objects: Objects

    @property
    def id(self) -> str:
        return self.unit.job_id

    @classmethod
    def submit(cls, running: Service, objects: Objects) -> "LongJob":
        """Take the job in and claim its prepare, before any other worker can."""
        ledger = Ledger.connect(running.settings.model_copy(update={"lease_s": HELD_S}))
        running.ledger.announce(FakeModel().spec)
        job_id = running.submit_bytes(wav(1.0), **WINDOW)
        unit = given.claim_prepare(ledger, "bench")
        assert unit.job_id == job_id
        ledger.start("bench", unit)
        objects.link(Path(running.settings.store.removeprefix("file://")), job_id)
        return cls(running, ledger, unit, objects)

    def release(self) -> None:
        """All windows are claimable, and some workers get a hint, as prepare would give it."""
        length_s = self.objects.windows[-1].cut_stop / RATE_HZ
        self.ledger.register(self.unit, self.objects.windows, decoded_s=length_s, duration_s=length_s)
        self.ledger.prepared(self.unit, total_samples=self.objects.windows[-1].cut_stop, warnings=[])
        self.running.submissions.hinter.transcribe(self.unit.spec.key, MOST_WOKEN)

    def windows_done(self) -> int:
        job = self.running.job(self.id)
        if job.error is not None:
            raise RuntimeError(f"the job failed: {job.error}")
        return job.windows_done


def _wait_until_idle(running: Service) -> None:
    """Until every worker has said that nothing runs in it, and listens for hints again."""
    threads = running.settings.transcribe_threads
    eventually(lambda: all(worker.idle_slots == threads for worker in running.workers("transcribe")))
    time.sleep(LISTENING_S)


@contextmanager
def devices(
    folder: Path, count: int, objects: Objects, *, web: bool = False, **options: Any
) -> Iterator[tuple[Service, LongJob]]:
    """A service of its own with so many simulated devices, idle but warm, and a long job ready to be released."""
    redis = redis_server.start(folder / "redis")
    settings = Settings(redis_url=redis.url, data_dir=folder / "data", model=FakeModel().spec.model)
    first = Objects(objects.folder, given.windows(WARMING * count, kept=KEPT_S * RATE_HZ))
    try:
        with service(
            settings, folder / "logs", transcribers=0, preparers=0, web=web, log_level="info", **options
        ) as running:
            warming, job = LongJob.submit(running, first), LongJob.submit(running, objects)
            running.start("prepare", "tingxie", "worker", "prepare")
            for number in range(1, count + 1):
                running.start(f"device-{number}", DEVICE)
            running.wait_for_workers(transcribe=count, cpu=1)
            warming.release()
            running.wait(warming.id)
            _wait_until_idle(running)
            try:
                yield running, job
            finally:
                warming.ledger.close()
                job.ledger.close()
    finally:
        redis.stop()
