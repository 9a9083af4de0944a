"""What a person at a terminal sees: bars on stderr, results on stdout."""

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.stack import Up

SAMPLE = Path(__file__).parents[2] / "samples/demo.opus"


def _drain(terminal: int, into: list[bytes]) -> None:
    """Read until the other side closes, which Linux reports as EIO."""
    try:
        while piece := os.read(terminal, 65536):
            into.append(piece)
    except OSError:
        pass


def test_bars_are_drawn_on_stderr_and_results_stay_plain(service: Up) -> None:
    ours, theirs = pty.openpty()
    seen: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(ours, seen))
    reader.start()
    command = [sys.executable, "-m", "tingxie", "submit", "--wait", str(SAMPLE), "--server", service.url]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    done = subprocess.run(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=True, timeout=120
    )
    os.close(theirs)
    reader.join(timeout=10)
    os.close(ours)
    drawn = b"".join(seen).decode()
    assert "uploading" in drawn
    assert "100 %" in drawn or "transcribing" in drawn or "finishing" in drawn
    assert "demo.opus: done" in drawn
    assert b"\x1b" not in done.stdout
    assert len(done.stdout.decode().splitlines()) == 1
