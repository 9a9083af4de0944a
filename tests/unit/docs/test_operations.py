"""docs/operations.md against the code: settings with defaults and sentences, exit statuses, commands."""

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from typer.main import get_command

from jobs.settings import Settings
from tingxie.cli import app
from tingxie.exits import Exit
from tingxie.plugins import GROUP

PAGE = (Path(__file__).parents[3] / "docs/operations.md").read_text(encoding="utf-8")


def _default(value: Any) -> str:
    text = str(value).replace(str(Path.home()), "~")
    return f"`{text}`" if text else "empty"


def _rows() -> list[str]:
    return [
        f"| `TINGXIE_{name.upper()}` | {_default(field.default)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]


def test_every_setting_has_its_row() -> None:
    missing = [row for row in _rows() if row not in PAGE]
    assert not missing, "docs/operations.md lacks these rows:\n" + "\n".join(missing)


def test_no_row_is_left_of_a_setting_that_is_gone() -> None:
    known = {row.split("`")[1] for row in _rows()} | {"TINGXIE_URL", "TINGXIE_API_KEY"}
    written = {line.split("`")[1] for line in PAGE.splitlines() if line.startswith("| `TINGXIE_")}
    assert written == known


def test_every_exit_status_is_listed() -> None:
    written = {line.split("|")[1].strip() for line in PAGE.splitlines() if line.startswith("| ")}
    assert {str(status.value) for status in Exit} <= written


def _commands(command: Any, *path: str) -> Iterator[tuple[str, list[str]]]:
    """Each command that does something, with its options; those of other packages are loaded."""
    listed = getattr(command, "commands", None)
    if listed:
        for name, each in listed.items():
            yield from _commands(each, *path, name)
    else:
        options = [name for option in command.params for name in option.opts if name.startswith("--")]
        yield " ".join(path), [name for name in options if name not in {"--install-completion", "--show-completion"}]


def _all_commands() -> dict[str, list[str]]:
    found = dict(_commands(get_command(app), "tingxie"))
    for entry in entry_points(group=GROUP):
        found |= dict(_commands(get_command(entry.load()), "tingxie", entry.name))
    return found


def test_every_command_is_in_the_table_with_its_options() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| `tingxie ")]
    assert len(_all_commands()) > 20
    for command, options in _all_commands().items():
        [row] = [line for line in rows if re.search(rf"`{command}[ `]", line.partition(" | ")[0])]
        client_only = {"--server", "--key"}  # named below the table, for all of them
        missing = [name for name in options if name not in client_only and not re.search(rf"`{name}[ `]", row)]
        assert not missing, command
