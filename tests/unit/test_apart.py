"""A call in a process of its own: its answer and its error come back, what it started doesn't."""

import os
import threading

import pytest

from jobs.apart import apart
from jobs.errors import SetupError


def _left_behind() -> int:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    return os.getpid()


def _refused(detail: str) -> None:
    raise SetupError(detail, remedy="Correct it.")


def test_nothing_of_it_is_left() -> None:
    threads = threading.active_count()
    assert apart(_left_behind) != os.getpid()
    assert threading.active_count() == threads


def test_its_error_is_ours() -> None:
    with pytest.raises(SetupError, match="no bucket") as told:
        apart(_refused, "no bucket")
    assert told.value.remedy == "Correct it."
