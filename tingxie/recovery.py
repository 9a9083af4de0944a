"""Runs `tingxie recover` beside the service once its Redis has begun anew, so that no operator has to at 3 a.m."""

import typer

from tingxie.child import Child
from tingxie.exits import Exit


class Recovery:
    """`child`: the command. What it is asked for while it runs, it does once more."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._asked = False

    def ask(self) -> None:
        """Redis may have lost something: enter again what the store knows better."""
        self._asked = True

    def look_after(self) -> None:
        """Start it where it was asked for; say how it ended; try again, with growing pauses, where it failed."""
        status = self._child.ended()
        if status == Exit.OK:
            typer.echo(f"recovered the ledger from the store: {self._child.log.last_line()}", err=True)
        elif status is not None:
            self._asked = True
            pause_s = self._child.plan_restart()
            reason = self._child.log.last_line()
            typer.echo(f"recover ended (status {status}), trying again in {pause_s:g} s: {reason}", err=True)
        elif self._asked and self._child.due:
            self._asked = False
            self._child.start()

    def stop(self) -> None:
        """At once: it is repeatable."""
        self._child.kill()
        self._child.wait()
        self._child.log.close()
