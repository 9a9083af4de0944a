"""Which layout a data folder has, and the steps from each to the next: `layout` in the folder holds its number."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from tingxie.errors import StackError

#: what this version writes; 1 is also that of folders from before there was a number
LAYOUT = 1
#: layout → what makes the next one of it, in place; it may be repeated, since it may be cut off in its midst
MIGRATIONS: Mapping[int, Callable[[Path], None]] = {}


def bring_up_to_date(
    folder: Path, *, layout: int = LAYOUT, migrations: Mapping[int, Callable[[Path], None]] = MIGRATIONS
) -> None:
    """Nobody else may use the folder meanwhile. Raises StackError where a newer version has written it."""
    found = _read(folder)
    if found > layout:
        raise StackError(
            f"the data folder {folder} was written by a newer version (layout {found}; this one knows {layout})",
            remedy="Upgrade Tingxie, or choose another --data folder.",
        )
    for step in range(found, layout):
        migrations[step](folder)
        _write(folder, step + 1)
    if not _file(folder).exists():
        _write(folder, layout)


def _file(folder: Path) -> Path:
    return folder / "layout"


def _read(folder: Path) -> int:
    try:
        return int(_file(folder).read_text(encoding="ascii"))
    except FileNotFoundError:
        return 1
    except ValueError as error:
        raise StackError(
            f"{_file(folder)} holds no number", remedy="Restore it: the number is that of your version's layout."
        ) from error


def _write(folder: Path, layout: int) -> None:
    fresh = folder / "layout.new"
    with fresh.open("w", encoding="ascii") as file:
        file.write(f"{layout}\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(_file(folder))
