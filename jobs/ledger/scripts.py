"""The Lua scripts in `lua/`: each transition is one file, run with the shared pieces before it."""

from importlib import resources
from typing import Any

from redis import Redis, exceptions
from redis.commands.core import Script

from jobs.ledger import keys
from jobs.ledger.connection import translated
from jobs.ledger.units import Refused

#: in this order, since each uses those before it
SHARED = (
    "base",
    "attending",
    "events",
    "turns",
    "caps",
    "quota",
    "webhooks",
    "jobs",
    "windows",
    "cpu",
    "workers",
    "sharing",
    "record",
    "pages",
)
REFUSED = "REFUSED "


class Scripts:
    """Runs scripts by name. The source is sent once to each Redis, and again where it was forgotten."""

    def __init__(self, redis: Redis) -> None:
        folder = resources.files("jobs.ledger") / "lua"
        shared = [(folder / "shared" / f"{name}.lua").read_text() for name in SHARED]
        prelude = "\n".join([keys.lua_builders(), *shared])
        self._scripts: dict[str, Script] = {}
        for file in folder.iterdir():
            if file.name.endswith(".lua"):
                source = f"{prelude}\n{file.read_text()}"
                self._scripts[file.name.removesuffix(".lua")] = redis.register_script(source)

    def run(self, name: str, *arguments: str | bytes | float) -> Any:
        """The script's answer. Raises Refused where the script refuses, LedgerUnavailable where Redis is away."""
        with translated():
            try:
                return self._scripts[name](args=arguments)
            except exceptions.ResponseError as error:
                if str(error).startswith(REFUSED):
                    raise Refused(str(error).removeprefix(REFUSED)) from error
                raise
