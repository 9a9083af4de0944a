"""The options that commands share."""

import inspect

from tingxie.cli import app


def test_every_command_that_asks_a_server_takes_a_key() -> None:
    """Where keys are on, a command without one could do nothing."""
    commands = [each.callback for each in app.registered_commands if each.callback is not None]
    options = {command.__name__: inspect.signature(command).parameters for command in commands}
    asking = {name for name, parameters in options.items() if "server" in parameters}
    assert len(asking) > 5
    assert {name for name in asking if "key" not in options[name]} == set()
