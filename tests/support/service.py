"""The service as real processes against the tests' Redis: front end, transcribe and prepare workers, on free ports.

    with service(settings, tmp_path) as running:
        job_id = running.submit(path)
        job = running.wait(job_id)
        transcript = running.transcript(job_id)

`settings` is the fixture (or any Settings); what a test wants otherwise goes into the environment by `options`.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

from jobs.broker import Hinter, make_celery
from jobs.job import Job, JobOptions
from jobs.ledger import Ledger, WorkerInfo
from jobs.settings import Settings
from jobs.store import AudioStore, layout, open_store
from jobs.submission import Submissions
from jobs.transcript import Transcript
from tests.support.waiting import eventually

#: loading torch and a model takes 5 s on an idle machine, and tests may share theirs
START_S = 180.0
JOB_S = 120.0
#: leases that lapse soon, so that tests needn't wait for the defaults
BRISK = {"heartbeat_s": 0.5, "lease_s": 3.0, "reconcile_s": 0.5}
#: the module that stands for `tingxie worker transcribe` in most tests: no torch
FAKE_MODEL = "tests.support.fake_model"
#: what `print_logs` shows of the part that is too long to show
_ALARM = re.compile(r"\[(warning|error|critical)|prepare\.(yielded|refused|failed)")


@dataclass
class Process:
    """A child process and its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log_path: Path
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = 60.0) -> int:
        return self.process.wait(timeout_s)

    def children(self) -> list[psutil.Process]:
        """Its live children; for a prepare worker the processes that do the work."""
        return psutil.Process(self.pid).children()


@dataclass
class Service:
    settings: Settings
    folder: Path
    environment: Mapping[str, str]
    ledger: Ledger
    store: AudioStore
    submissions: Submissions
    processes: dict[str, Process] = field(default_factory=dict)
    url: str = ""
    _files: list[IO[bytes]] = field(default_factory=list)

    # ---- a job
    def submit(self, path: Path, **options: Any) -> str:
        """Take a file in as the front end does, in this process; returns the job's id."""
        return self.submit_bytes(path.read_bytes(), path.name, **options)

    def submit_bytes(self, audio: bytes, filename: str = "audio.wav", **options: Any) -> str:
        job_id = self.submissions.begin()
        stored = self.submissions.receive(job_id, [audio])
        chosen = JobOptions(**options)
        self.submissions.accept(job_id, stored, filename=filename, options=chosen, owner="local")
        return job_id

    def job(self, job_id: str) -> Job:
        return self.ledger.job(job_id)

    def wait(self, job_id: str, timeout_s: float = JOB_S, *, revive: bool = False) -> Job:
        """The job once it has ended, however it has. revive: start processes again that end meanwhile."""

        def ended() -> Job | None:
            if revive:
                self.revive()
            job = self.job(job_id)
            assert job.state.is_terminal, job
            return job

        job = eventually(ended, timeout_s, every_s=0.05)
        assert job is not None
        return job

    def covered(self, job_id: str, more_than_s: float = 0.0) -> bool:
        """Wait until more of the job than that is transcribed."""
        return eventually(lambda: self.job(job_id).covered_s > more_than_s, JOB_S)

    def transcript(self, job_id: str) -> Transcript:
        return Transcript.model_validate_json(self.store.read(layout.transcript(job_id)))

    # ---- its processes
    def start(self, name: str, *command: str, **environment: str) -> Process:
        """Start `python -m command…` under a name of its own, logging into a file."""
        log_path = self.folder / f"{name}.log"
        file = log_path.open("ab")
        self._files.append(file)
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**self.environment, **environment},
        )
        self.processes[name] = Process(name, process, log_path, command, environment)
        return self.processes[name]

    def start_web(self, *program: str) -> Process:
        """Start the front end (or the given program that is one) on a free port; returns once it answers, at `url`."""
        process = self.start("web", *(program or ("tingxie", "web")), "--port", "0")
        self.url = eventually(lambda: _address(self), START_S)
        return process

    def workers(self, kind: str = "") -> list[WorkerInfo]:
        return [worker for worker in self.ledger.workers() if kind in ("", worker.kind)]

    def wait_for_workers(self, *, transcribe: int, cpu: int) -> None:
        """Until so many of each kind are live in the ledger."""

        def live() -> bool:
            self.check_alive()
            assert len(self.workers("transcribe")) >= transcribe
            assert len(self.workers("cpu")) >= cpu
            return True

        eventually(live, START_S, every_s=0.1)

    def check_alive(self) -> None:
        """Raise RuntimeError if a process has ended that nobody ended."""
        for process in self.processes.values():
            if process.process.poll() is not None:
                raise RuntimeError(f"{process.name} ended (status {process.process.returncode}):\n{process.log}")

    def revive(self) -> None:
        """Start those processes again that have ended, as a supervisor would."""
        for name, process in list(self.processes.items()):
            if process.process.poll() is not None:
                self.start(name, *process.command, **process.environment)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> Process:
        """Send a signal and forget the process, whose end is then the test's business (but for SIGKILL).

        SIGSTOP and SIGCONT don't forget it.
        """
        process = self.processes[name]
        process.kill(number)
        if number not in (signal.SIGSTOP, signal.SIGCONT):
            del self.processes[name]
        if number == signal.SIGKILL:
            process.wait()
        return process

    def stop(self) -> None:
        """SIGTERM to all, then SIGKILL to whatever is left."""
        for process in self.processes.values():
            process.kill(signal.SIGCONT)
            process.kill(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for file in self._files:
            file.close()

    def logs(self) -> str:
        """All that its processes have logged."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def print_logs(self) -> None:
        for log_path in sorted(self.folder.glob("*.log")):
            log = log_path.read_text(errors="replace")
            alarms = [line for line in log[:-20_000].splitlines() if _ALARM.search(line)]
            sys.stdout.write("\n".join([f"---- {log_path.name}", *alarms, log[-20_000:], ""]))


@contextmanager
def service(
    settings: Settings,
    folder: Path,
    *,
    transcribers: int = 1,
    preparers: int = 1,
    web: bool = False,
    transcribe: str = FAKE_MODEL,
    environment: Mapping[str, str] | None = None,
    **options: object,
) -> Iterator[Service]:
    """Start it, ready for work; stop it at the end, and print all logs if the block raised.

    transcribe: the module to run as transcribe worker; "tingxie" is the real one, with `model=…` among the options.
    preparers: children of the one prepare worker. options: settings that differ.
    """
    options.setdefault("dedupe", False)  # tests submit the same sound again to have it worked on
    if transcribe != "tingxie":
        options.setdefault("model", "fake")
    chosen = settings.model_copy(update={"prepare_processes": max(preparers, 1), **options})
    running = _make(chosen, folder, environment or {}, options)
    try:
        for number in range(1, transcribers + 1):
            start_transcriber(running, f"transcribe-{number}", transcribe)
        if preparers:
            running.start("prepare", "tingxie", "worker", "prepare")
        if web:
            running.start_web()
        running.wait_for_workers(transcribe=transcribers, cpu=preparers)
        yield running
    except BaseException:
        running.print_logs()
        raise
    finally:
        running.stop()
        running.submissions.hinter.close()
        running.ledger.close()


def start_transcriber(running: Service, name: str, module: str = FAKE_MODEL, **environment: str) -> Process:
    command = ["worker", "transcribe"] if module == "tingxie" else []
    return running.start(name, module, *command, **environment)


def _make(settings: Settings, folder: Path, environment: Mapping[str, str], options: Mapping[str, object]) -> Service:
    folder.mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TINGXIE_")}
    chosen = {f"TINGXIE_{name.upper()}": str(value) for name, value in options.items()}
    ledger, store = Ledger.connect(settings), open_store(settings.store)
    return Service(
        settings=settings,
        folder=folder,
        environment={
            **inherited,
            "TINGXIE_REDIS_URL": settings.redis_url,
            "TINGXIE_DATA_DIR": str(settings.data_dir),
            "TINGXIE_PREPARE_PROCESSES": str(settings.prepare_processes),
            "TINGXIE_MODEL_THREADS": "1",
            "TINGXIE_LOG_LEVEL": "debug",
            **chosen,
            **environment,
        },
        ledger=ledger,
        store=store,
        submissions=Submissions(settings, ledger, store, Hinter(make_celery(settings))),
    )


def _address(running: Service) -> str:
    running.check_alive()
    lines = running.processes["web"].log.splitlines()
    url = next((line.split()[1] for line in reversed(lines) if line.startswith("listening ")), "")
    try:
        return url if url and httpx.get(f"{url}/healthz").is_success else ""
    except httpx.TransportError:  # the address of a life before, in the same log
        return ""
