"""A call in a process of its own, for a process that forks later: of what the call starts, nothing is left in it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def apart(call: Callable[Arguments, Answer], *arguments: Arguments.args, **options: Arguments.kwargs) -> Answer:
    """What the call returns or raises; all of it must be picklable. To be used before any thread is started."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("fork")) as executor:
        return executor.submit(call, *arguments, **options).result()
