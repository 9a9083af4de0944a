"""What a user's program or shell uses: HTTP client, command line, `up`. Imports none of jobs, web, worker.

from tingxie import Client, AsyncClient, SubmitOptions
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tingxie.async_client import AsyncClient
    from tingxie.client import Client
    from tingxie.errors import TingxieClientError
    from tingxie.events import Event
    from tingxie.records import Job, JobPage, Problem
    from tingxie.submit_options import SubmitOptions
    from tingxie.transcript import Char, Segment, Transcript, Word

__all__ = [
    "AsyncClient",
    "Char",
    "Client",
    "Event",
    "Job",
    "JobPage",
    "Problem",
    "Segment",
    "SubmitOptions",
    "TingxieClientError",
    "Transcript",
    "Word",
]

_HOMES = {
    "AsyncClient": "async_client",
    "Client": "client",
    "TingxieClientError": "errors",
    "Event": "events",
    "Job": "records",
    "JobPage": "records",
    "Problem": "records",
    "SubmitOptions": "submit_options",
    "Char": "transcript",
    "Segment": "transcript",
    "Transcript": "transcript",
    "Word": "transcript",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for (PEP 562): web and the workers start through this package and need no HTTP client."""
    if name not in _HOMES:
        raise AttributeError(f"module 'tingxie' has no attribute {name!r}")
    return getattr(import_module(f"tingxie.{_HOMES[name]}"), name)
