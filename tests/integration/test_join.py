"""A second machine joins by the printed command, run as it stands: another folder, another home, no shared disk."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile

from tests.support.shell import tingxie
from tests.support.stack import READY_S, Up
from tests.support.waiting import eventually
from tingxie.client import Client

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"
#: of the second machine: its address among this one's
ADDRESS = "127.0.0.2"
#: leases that lapse soon, which the second machine has to be told
BRISK = {"TINGXIE_LEASE_S": "3", "TINGXIE_HEARTBEAT_S": "0.5", "TINGXIE_RECONCILE_S": "0.5"}
JOB_S = 120.0
#: some ten minutes: several seconds of work for one worker
REPEATS = 20


@dataclass
class Joined:
    """The second machine: its command's process and its home."""

    process: "subprocess.Popen[bytes]"
    home: Path
    output: Path

    @property
    def data(self) -> Path:
        return self.home / ".local/share/tingxie"

    def said(self) -> str:
        return self.output.read_text()

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def running(command: str, home: Path) -> Iterator[Joined]:
    """In a shell as a user has it, in an empty folder."""
    (home / "empty").mkdir(parents=True)
    output = home / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=home / "empty",
            env={"HOME": str(home), "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    joined = Joined(process, home, output)
    try:
        yield joined
    finally:
        if process.poll() is None:
            process.terminate()
            assert process.wait(90) == 0, joined.said()


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    data = tmp_path_factory.mktemp("first") / "data"
    up = Up.start(data, "--port", "0", "--listen", ADDRESS, environment=BRISK)
    yield up
    for process in up.family():
        process.send_signal(signal.SIGCONT)
    up.stop()


def printed_command(up: Up) -> str:
    assert up.url
    [line] = eventually(lambda: [line for line in up.lines if "tingxie join" in line])
    return line


@pytest.fixture(scope="module")
def second(first: Up, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Joined]:
    with running(printed_command(first), tmp_path_factory.mktemp("second")) as joined:

        def has_joined() -> bool:
            assert joined.process.poll() is None, joined.said()
            return f"joined http://{ADDRESS}:" in joined.said()

        eventually(has_joined, READY_S, every_s=0.1)
        yield joined


def workers_of(family: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [each for each in family if " worker " in " ".join(each.cmdline()) and "tether.py" not in each.cmdline()]


def send(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        process.send_signal(number)


def secrets_of(up: Up) -> dict[str, str]:
    kept = up.data / "listen.json"
    assert kept.stat().st_mode & 0o77 == 0
    found: dict[str, str] = json.loads(kept.read_text())
    return found


def test_it_does_the_work_without_a_shared_disk(first: Up, second: Joined) -> None:
    frozen = workers_of(first.family())
    send(frozen, signal.SIGSTOP)  # what is done from here on, the second machine does
    try:
        with Client(first.url) as client:
            job = client.wait(client.submit(SAMPLE).id, timeout_s=JOB_S)
            assert job.succeeded, job
            text = client.transcript_text(job.id).strip()
    finally:
        send(frozen, signal.SIGCONT)
    assert text == SAMPLE.with_suffix(".txt").read_text(encoding="utf-8").strip()
    assert "batch.committed" in (second.data / "logs/transcribe-1.log").read_text()
    assert not (second.data / "store").exists()
    assert list((second.home / "empty").iterdir()) == []


def test_no_secret_is_in_a_list_of_processes(first: Up, second: Joined) -> None:
    told = secrets_of(first)
    for process in [*first.family(), *second.family()]:
        line = " ".join(process.cmdline())
        assert told["worker_token"] not in line
        assert told["redis_password"] not in line


def test_all_workers_agree_on_what_the_first_machine_chose(second: Joined) -> None:
    environments = [process.environ() for process in workers_of(second.family())]
    assert environments
    for environment in environments:
        assert {name: float(environment[name]) for name in BRISK} == {name: float(BRISK[name]) for name in BRISK}


@pytest.mark.full
def test_when_it_is_lost_its_work_is_done_by_others(first: Up, second: Joined, tmp_path: Path) -> None:
    long = tmp_path / "long.flac"
    sound, rate_hz = soundfile.read(SAMPLE, dtype="int16")
    soundfile.write(long, np.tile(sound, REPEATS), rate_hz)
    frozen = workers_of(first.family())
    send(frozen, signal.SIGSTOP)
    with Client(first.url) as client:
        job_id = client.submit(long).id
        try:
            eventually(lambda: client.status(job_id).covered_s > 0, JOB_S)
            send(second.family(), signal.SIGKILL)
            assert not client.status(job_id).succeeded
        finally:
            send(frozen, signal.SIGCONT)
        job = client.wait(job_id, timeout_s=JOB_S)
        assert job.succeeded, job
        assert job.covered_s == job.duration_s
        assert job.duration_s > 30 * REPEATS
        text = client.transcript_text(job_id).replace("\n", "")
    once = SAMPLE.with_suffix(".txt").read_text(encoding="utf-8").strip()
    assert text.startswith(once[:20])
    assert text.endswith(once[-20:])
    assert len(text) > (REPEATS - 1) * len(once)


def test_another_token_is_refused_in_one_line(first: Up, tmp_path: Path) -> None:
    url = printed_command(first).split()[-1]
    for token, line in (("another", f"{url} refuses this worker token"), ("", "TINGXIE_WORKER_TOKEN isn't set")):
        ran = tingxie("join", url, "--data", tmp_path / "data", TINGXIE_WORKER_TOKEN=token)
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (78, "", 1), ran.stderr
        assert ran.stderr.startswith(f"tingxie: {line}")


def test_nobody_at_the_address(tmp_path: Path) -> None:
    ran = tingxie("join", "http://127.0.0.1:1", "--data", tmp_path / "data", TINGXIE_WORKER_TOKEN="t")
    assert (ran.returncode, ran.stderr.count("\n")) == (3, 1), ran.stderr
    assert "no answer from http://127.0.0.1:1" in ran.stderr
