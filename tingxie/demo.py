"""`make demo`: one file through the whole stack, started for it and stopped again. The transcript comes last."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from tingxie import tether
from tingxie.cer import character_error_rate
from tingxie.client import Client
from tingxie.console import say_error
from tingxie.errors import InputMissing, JobEndedBadly, StackError, TingxieClientError
from tingxie.exits import Exit
from tingxie.progress import FileProgress, display
from tingxie.records import Job

SAMPLE = Path(__file__).parent.parent / "samples" / "demo.opus"
REFERENCE = SAMPLE.with_suffix(".txt")


def main(arguments: list[str]) -> Exit:
    started = time.monotonic()
    audio = Path(arguments[0]) if arguments and arguments[0] else SAMPLE
    try:
        if not audio.is_file():
            raise InputMissing(f"{audio}: no such file")
        with tempfile.TemporaryDirectory(prefix="tingxie-demo-") as folder, _running_stack(Path(folder)) as url:
            _say(f"ready after {time.monotonic() - started:.1f} s: {url}")
            text = _transcribe(url, audio)
    except TingxieClientError as error:
        say_error(error)
        return Exit.SOME_FAILED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    _say(f"stopped; {time.monotonic() - started:.1f} s in all")
    if audio == SAMPLE:
        error_rate = character_error_rate(REFERENCE.read_text(encoding="utf-8"), text)
        typer.echo(f"character error rate against {REFERENCE.name}: {error_rate:.2%}")
    typer.echo(text)
    return Exit.OK


@contextmanager
def _running_stack(data: Path) -> Iterator[str]:
    """`tingxie up` on a free port; yields its address and stops it at the end. Raises StackError."""
    _say("starting Redis, the front end and the workers")
    command = [sys.executable, "-m", "tingxie", "up", "--port", "0", "--data", str(data)]
    process = tether.popen(command, grace_s=30.0, output=subprocess.PIPE, errors=None)
    try:
        yield _wait_until_ready(process)
    finally:
        tether.stop(process)


def _wait_until_ready(process: "subprocess.Popen[bytes]") -> str:
    assert process.stdout is not None  # noqa: S101 (asked for above)
    for line in process.stdout:
        word, _, url = line.decode().strip().partition(" ")
        if word == "ready":
            return url
    raise StackError("the service didn't start: its reason stands above")


def _transcribe(url: str, audio: Path) -> str:
    """Submit, poll, fetch, as any program would. Raises TingxieClientError."""
    size_bytes = audio.stat().st_size
    with Client(url) as client, display(1) as show:
        file = show.file(audio.name)
        submitted = time.monotonic()
        job = client.wait(
            client.submit(audio, on_bytes=lambda sent: file.uploading(sent, size_bytes)).id, on_change=file.transcribing
        )
        if not job.succeeded:
            file.ended(job.state)
            raise JobEndedBadly(job)
        _end(file, job, time.monotonic() - submitted)
        return client.transcript_text(job.id).rstrip("\n")


def _end(file: FileProgress, job: Job, took_s: float) -> None:
    length = f"{job.duration_s:.1f} s of speech" if job.duration_s else "transcribed"
    file.ended(f"{length} in {took_s:.1f} s")


def _say(line: str) -> None:
    typer.echo(f"demo: {line}", err=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
