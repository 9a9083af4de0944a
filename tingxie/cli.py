"""The `tingxie` command line: its own commands, and those that other packages bring (tingxie/plugins.py)."""

import typer

from tingxie.commands.cancel import cancel
from tingxie.commands.delete import delete
from tingxie.commands.doctor import doctor
from tingxie.commands.erase import erase
from tingxie.commands.evaluate import evaluate
from tingxie.commands.join import join
from tingxie.commands.list import list_jobs
from tingxie.commands.result import result
from tingxie.commands.status import status
from tingxie.commands.submit import submit
from tingxie.commands.up import up
from tingxie.commands.watch import watch
from tingxie.commands.workers_wanted import workers_wanted
from tingxie.plugins import PluginGroup

app = typer.Typer(
    cls=PluginGroup,
    no_args_is_help=True,
    # An exception that reaches the top is a bug: its plain traceback says most, and pipes want no boxes.
    pretty_exceptions_enable=False,
    help="Transcribe audio by a tingxie server.\n\n"
    "Exit status: 0 done, 1 some failed, 2 usage, 3 server unreachable, 4 no such job, 5 not ended, 130 Ctrl-C.",
)
for command in (submit, status, result, watch, cancel, delete, erase, evaluate):
    app.command()(command)
app.command("list")(list_jobs)
app.command()(up)
app.command()(join)
app.command()(doctor)
app.command("workers-wanted")(workers_wanted)


def main() -> None:
    app()
