"""What one child prints: all of it into its log file, warnings and errors also to stderr, the last lines remembered."""

import logging
import re
import sys
import threading
from collections import deque
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

#: one file and one old one: enough to look back over days, little enough for any disk
_FILE_BYTES = 20 * 1024 * 1024
_REMEMBERED_LINES = 20
#: structlog's console form (`… [warning  ] …`), its JSON form, and celery's and gunicorn's (`[ERROR/MainProcess]`)
_ALARMING = re.compile(r'\[(warning|error|critical)\b|"level": ?"(warning|error|critical)"', re.IGNORECASE)
#: the event of worker/program.py
_AT_WORK = "worker.ready"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class ChildLog:
    """Reads the child's output in a thread of its own until it closes; may be used for one start after another."""

    def __init__(self, name: str, folder: Path, *, verbose: bool) -> None:
        self.path = folder / f"{name}.log"
        self._name = name
        self._verbose = verbose
        #: a worker of this start has said that it takes work
        self.is_at_work = False
        self._last: deque[str] = deque(maxlen=_REMEMBERED_LINES)
        self._file = RotatingFileHandler(self.path, maxBytes=_FILE_BYTES, backupCount=1, encoding="utf-8", delay=True)
        self._reader: threading.Thread | None = None

    def follow(self, output: IO[bytes]) -> None:
        self._last.clear()
        self.is_at_work = False
        self._reader = threading.Thread(target=self._read, args=(output,), name=f"log-{self._name}", daemon=True)
        self._reader.start()

    def last_line(self) -> str:
        """The last thing that the child said; call it once the child has ended."""
        if self._reader is not None:
            # A grandchild may hold the pipe open after the child has ended; what it says no longer matters.
            self._reader.join(timeout=2.0)
        return self._last[-1] if self._last else f"it left no message; see {self.path}"

    def close(self) -> None:
        if self._reader is not None:
            self._reader.join(timeout=2.0)
        self._file.close()

    def _read(self, output: IO[bytes]) -> None:
        with output:
            for raw in output:
                if line := _COLOURS.sub("", raw.decode("utf-8", "replace").rstrip()):
                    self._take(line)

    def _take(self, line: str) -> None:
        self._last.append(line)
        self.is_at_work = self.is_at_work or _AT_WORK in line
        self._file.emit(logging.makeLogRecord({"msg": line}))
        if self._verbose or _ALARMING.search(line):
            sys.stderr.write(f"{self._name}: {line}\n")
            sys.stderr.flush()
