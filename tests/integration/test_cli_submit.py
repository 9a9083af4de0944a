"""`tingxie submit` against a running service: files, folders, formats, reruns, failures, pipes."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.shell import tingxie
from tests.support.stack import Up
from tests.support.waiting import eventually
from tingxie.cer import character_error_rate
from tingxie.client import Client

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "samples/demo.opus"
REFERENCE = SAMPLE.with_suffix(".txt").read_text(encoding="utf-8").strip()
#: utterances of a few seconds
LONG = ROOT / "tests/data/long/continuous-1.opus"
SHORT = sorted((ROOT / "tests/data/heldout").glob("*.opus"))[:2]


def test_wait_prints_the_transcript_and_nothing_else(service: Up) -> None:
    done = tingxie("submit", "--wait", SAMPLE, "--server", service.url)
    assert done.returncode == 0, done.stderr
    assert character_error_rate(REFERENCE, done.stdout) < 0.05
    assert len(done.stdout.splitlines()) == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == "demo.opus: done\n"


def test_a_folder_becomes_a_folder_of_results_and_a_rerun_skips_them(service: Up, tmp_path: Path) -> None:
    for place in ("a.opus", "deep/a.opus"):
        (tmp_path / "in" / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SHORT[0], tmp_path / "in" / place)
    command = ("submit", tmp_path / "in", "--out", tmp_path / "out", "--server", service.url)
    first = tingxie(*command)
    assert first.returncode == 0, first.stderr
    files = {str(path.relative_to(tmp_path / "out")): path for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert sorted(files) == ["a.srt", "a.txt", "deep/a.srt", "deep/a.txt"]
    assert " --> " in files["a.srt"].read_text(encoding="utf-8")
    written = {name: path.stat().st_mtime_ns for name, path in files.items()}

    shutil.copy(SHORT[1], tmp_path / "in" / "b.opus")
    again = tingxie(*command)
    assert again.returncode == 0, again.stderr
    assert "2 skipped: done before" in again.stderr
    assert (tmp_path / "out/b.txt").exists()
    assert {name: path.stat().st_mtime_ns for name, path in files.items()} == written


def test_failures_are_told_at_the_end_and_spare_the_others(service: Up, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is not audio\n" * 50)
    (tmp_path / "empty.wav").touch()
    shutil.copy(SHORT[0], tmp_path / "good.opus")
    done = tingxie("submit", tmp_path, "--out", tmp_path / "out", "--server", service.url)
    assert done.returncode == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["good.srt", "good.txt"]
    table = done.stderr[done.stderr.index("2 failed") :]
    for word in ("text.wav", "empty.wav", "Upload WAV"):
        assert word in table


def test_without_waiting_it_prints_job_ids(service: Up) -> None:
    done = tingxie("submit", *SHORT, "--server", service.url)
    assert done.returncode == 0, done.stderr
    ids = done.stdout.split()
    assert len(ids) == 2
    for job in ids:
        followed = tingxie("watch", job, "--server", service.url)
        assert followed.returncode == 0, followed.stderr
        assert followed.stdout.startswith(f"{job}\tsucceeded\t100%")


@contextmanager
def _workers_held(service: Up) -> Iterator[None]:
    """No window is transcribed meanwhile, so that no job can end before the test has looked at it."""
    workers = service.commands("worker", "transcribe")
    for worker in workers:
        worker.suspend()
    try:
        yield
    finally:
        for worker in workers:
            worker.resume()


def test_ctrl_c_leaves_the_jobs_to_the_service(service: Up) -> None:
    # A test run in the background of a shell ignores SIGINT, and so would this child.
    attentive = (
        "import runpy, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "runpy.run_module('tingxie', run_name='__main__')"
    )
    command = [sys.executable, "-c", attentive, "submit", "--wait", str(LONG), "--server", service.url]
    with (
        _workers_held(service),
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as submitting,
        Client(service.url) as client,
    ):
        job = eventually(lambda: next((job for job in client.list().jobs if job.filename == LONG.name), None))
        submitting.send_signal(signal.SIGINT)
        _, told = submitting.communicate(timeout=60)
        assert submitting.returncode == 130
        assert told == "stopped; jobs that were accepted go on at the service: see `tingxie list`\n"
        assert client.status(job.id).state != "cancelled"
        client.delete(job.id)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["nowhere.wav"], "nowhere.wav: no such file"),
        ([SAMPLE, "--format", "srt"], "--format needs"),
        ([SAMPLE, "--wait", "--format", "srt", "--format", "vtt"], "several formats need --out"),
        ([SAMPLE, "--wait", "--format", "docx"], "docx"),
        ([], "Missing argument"),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: list[str | Path], complaint: str) -> None:
    done = tingxie("submit", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert not done.stdout


def test_a_url_that_may_not_be_gone_to_is_told(service: Up) -> None:
    """What is fetched is in test_submit_by_url; here the URL goes to the server as it is."""
    done = tingxie("submit", "--wait", "http://127.0.0.1/talk.wav?key=hidden", "--server", service.url)
    assert done.returncode == 1
    assert "127.0.0.1 is a loopback address" in done.stderr
    assert "http://127.0.0.1/talk.wav" in done.stderr
    assert "hidden" not in done.stderr
