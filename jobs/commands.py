"""What the commands of web and worker share: the settings, and an error told in one line with an exit status."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from jobs.errors import SetupError, TingxieError, Unavailable
from jobs.settings import Settings

#: sysexits.h: the configuration is at fault, so starting again won't help; the supervisor gives up
EX_CONFIG = os.EX_CONFIG
#: what this command needs can't be reached; starting it again later may help
EX_AWAY = 3


def read_settings(**chosen: Any) -> Settings:
    """The settings, those chosen on the command line (not None) first. Raises SetupError."""
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = f"TINGXIE_{'_'.join(map(str, first['loc'])).upper()}"
        raise SetupError(f"{name}: {first['msg']}", remedy="docs/operations.md lists the settings.") from error


@contextmanager
def errors_told(command: str, *, status: int = 1, away: int | None = None) -> Iterator[None]:
    """Of what goes wrong in the block, the command says what happened and what to do, and ends with the status.

    away: the status where Redis or the store is away and another start may help, if that is another one.
    """
    try:
        yield
    except TingxieError as error:
        print(f"tingxie {command}: {error.detail}. {error.remedy}", file=sys.stderr)  # noqa: T201
        is_away = away is not None and isinstance(error, Unavailable)
        raise SystemExit(away if is_away else status) from error
