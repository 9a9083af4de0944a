"""docs/operations.md against the code: settings with defaults and sentences, exit statuses, commands."""

from pathlib import Path
from typing import Any

from typer.main import get_command

from jobs.settings import Settings
from tingxie.cli import app
from tingxie.exits import Exit

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


def test_every_command_is_named() -> None:
    context = get_command(app).make_context("tingxie", [], resilient_parsing=True)
    names = context.command.list_commands(context)  # type: ignore[attr-defined]  # a group has it
    assert not [name for name in names if f"`tingxie {name}" not in PAGE]
