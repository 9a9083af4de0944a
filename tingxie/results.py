"""The files that `tingxie submit --out` writes: complete or not there at all, and newer than their audio when done."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tingxie.calls import Format
from tingxie.errors import ResultUnwritable
from tingxie.sources import Source


@dataclass(frozen=True, slots=True)
class ResultFolder:
    root: Path
    formats: Sequence[Format]

    def path(self, source: Source, form: Format) -> Path:
        target = self.root / source.name
        return target.with_name(f"{target.name}.{form}")

    def is_done(self, source: Source) -> bool:
        """Every format is there and none is older than the audio: a rerun skips this file."""
        recorded = source.modified_at()
        return all(_modified(self.path(source, form)) >= recorded for form in self.formats)

    def write(self, source: Source, form: Format, text: str) -> Path:
        """Write one result so that a reader, or a rerun, never sees half of it. Raises ResultUnwritable."""
        target = self.path(source, form)
        write_atomically(target, text)
        return target


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return -1.0


def write_atomically(target: Path, text: str) -> None:
    """Make the file, and its folder if it is missing. Raises ResultUnwritable (disk full, not allowed, …)."""
    draft = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise ResultUnwritable(f"{target}: {error.strerror}") from error
