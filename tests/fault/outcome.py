"""What must hold after any fault: it really hit, every job ended as it should, nothing was counted twice, and each
transcript is that of a run to which nothing happened.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from redis import Redis

from jobs.job import Job, State
from jobs.settings import Settings
from tests.support.ledger_invariants import Contents, check
from tests.support.service import FAKE_MODEL, JOB_S, Service, service
from tests.support.victims import RECOVERY_S
from tests.support.waiting import eventually
from tingxie import redis_server

#: a text with fewer different characters would equal others by chance
RICHNESS = 6
#: ten hours without faults
CALM_S = 600.0


class Calm:
    """Services to which nothing happens, one for each model: they say what a transcript has to be."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._services: dict[str, Service] = {}
        self._texts: dict[tuple[str, bytes], str] = {}

    def text(self, audio: bytes, model: str = "fake") -> str:
        """The transcript of a recording, made once."""
        if (model, audio) not in self._texts:
            running = self._service(model)
            job_id = running.submit_bytes(audio)
            job = running.wait(job_id, CALM_S)
            assert job.state is State.SUCCEEDED, job.error
            self._texts[model, audio] = running.transcript(job_id).text
        return self._texts[model, audio]

    def _service(self, model: str) -> Service:
        if model not in self._services:
            folder = self._folder / model
            server = redis_server.start(folder / "redis")
            self._stack.callback(server.stop)
            settings = Settings(redis_url=server.url, data_dir=folder / "data")
            module, options = (FAKE_MODEL, {}) if model == "fake" else ("tingxie", {"dtype": "float32"})
            running = service(settings, folder / "logs", transcribe=module, model=model, **options)
            self._services[model] = self._stack.enter_context(running)
        return self._services[model]


@contextmanager
def calm_services(folder: Path) -> Iterator[Calm]:
    with ExitStack() as stack:
        yield Calm(folder, stack)


class Outcome:
    """Takes a test's jobs in, and says in the end whether all is well."""

    def __init__(self, running: Service, calm: Calm, model: str = "fake") -> None:
        self.running = running
        self._calm = calm
        self._model = model
        self.jobs: dict[str, bytes] = {}

    def submit(self, audio: bytes, **options: object) -> str:
        job_id = self.running.submit_bytes(audio, **options)
        self.add(job_id, audio)
        return job_id

    def add(self, job_id: str, audio: bytes) -> None:
        """A job that came in another way."""
        self.jobs[job_id] = audio

    def recovers(self, within_s: float = RECOVERY_S) -> float:
        """Called as the fault ends: seconds until a window is committed or all has ended; asserts that they are few."""
        ledger = self.running.ledger
        began, before = time.monotonic(), ledger.counters()["committed"]

        def goes_on() -> bool:
            has_ended = all(ledger.job(job_id).state.is_terminal for job_id in self.jobs)
            return has_ended or ledger.counters()["committed"] > before

        eventually(goes_on, 3 * within_s)
        took_s = time.monotonic() - began
        assert took_s < within_s
        return took_s

    def check(
        self,
        *hit: str,
        failed: Mapping[str, str] | None = None,
        cancelled: Collection[str] = (),
        restored: Collection[str] = (),
        revive: bool = False,
        timeout_s: float = JOB_S,
    ) -> dict[str, int]:
        """Wait for the end of all jobs and look at everything; returns the ledger's counters.

        hit: counters of which each must show that the fault hit. failed: job → type of its error; cancelled: those of
        the jobs that end so; all others succeed. restored: known from the store alone. revive: as a supervisor does.
        """
        ended = [self.running.wait(job_id, timeout_s, revive=revive) for job_id in self.jobs]
        counters = self.running.ledger.counters()
        for name in hit:
            assert counters[name] > 0, f"the fault did not hit: nothing was {name}"
        for job in ended:
            self._check_job(job, (failed or {}).get(job.id, ""), is_cancelled=job.id in cancelled)
        assert counters["committed"] == sum(job.windows_done for job in ended), "a window was counted twice, or lost"
        with Redis.from_url(self.running.settings.redis_url) as redis:
            eventually(lambda: check(Contents(redis), [each for each in self.jobs if each not in restored]) or True)
        return counters

    def _check_job(self, job: Job, error_type: str, *, is_cancelled: bool) -> None:
        if error_type:
            assert (job.state, (job.error or {}).get("type")) == (State.FAILED, error_type)
            return
        assert job.state is (State.CANCELLED if is_cancelled else State.SUCCEEDED), job
        if is_cancelled:
            return
        assert job.covered_s == job.duration_s
        assert job.windows_done == job.windows_total
        text = self.running.transcript(job.id).text
        assert len(set(text)) >= RICHNESS, text
        assert text == self._calm.text(self.jobs[job.id], self._model), "not the transcript of a run without faults"
