"""Commands that other packages bring by the entry point group `tingxie.commands`, imported only when they run.

So `tingxie status` never pays for torch, and a command whose extra isn't installed says so in one line.
"""

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

GROUP = "tingxie.commands"

#: the help line and the extra of the commands that this project itself ships; others are named by their package
_KNOWN = {
    "evaluate": ("Measure a service by a data set.", "evaluate"),
    "web": ("Run the front end (HTTP API).", "web"),
    "keys": ("Make, list and revoke API keys.", "web"),
    "worker": ("Run a worker: transcribe or prepare.", "worker"),
    "models": ("List the models that workers serve; fetch or check one.", "worker"),
    "recover": ("Rebuild the ledger from the store after Redis lost its data.", "worker"),
}


class PluginCommand(TyperCommand):
    """Stands for a command until it is called; then loads the real one and steps aside."""

    def __init__(self, entry: EntryPoint) -> None:
        summary, _ = _KNOWN.get(entry.name, (f"A command of {entry.module}.", ""))
        super().__init__(name=entry.name, callback=None, params=[], help=summary)
        self._entry = entry

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        app = getattr(importlib.import_module(self._entry.module), self._entry.attr)
        command = typer.main.get_command(app) if isinstance(app, typer.Typer) else app
        # Completion is the whole program's business; typer offers it anew for each app.
        command.params = [one for one in command.params if one.name not in {"install_completion", "show_completion"}]
        return command.make_context(info_name, args, parent=parent, **extra)


class PluginGroup(TyperGroup):
    """The commands of this package, and after them those of the entry points."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (typer's signature)
        return [*self.commands, *sorted(set(entry_points(group=GROUP).names) - set(self.commands))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        found = entry_points(group=GROUP, name=cmd_name)
        return PluginCommand(next(iter(found))) if found else None

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what a plugin can't import, now or later, is an extra that isn't installed."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            _, extra = _KNOWN.get(ctx.invoked_subcommand, ("", "all"))
            hint = f"Install it with: pip install 'tingxie[{extra}]'"
            typer.echo(f"tingxie {ctx.invoked_subcommand}: {error.name} is not installed. {hint}", err=True)
            raise typer.Exit(1) from error
