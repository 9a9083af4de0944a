"""How both clients speak to a server: address, headers, time limits, and the error for one that doesn't answer."""

from typing import Any

import httpx

from tingxie.calls import Call
from tingxie.errors import ServerUnreachable

DEFAULT_SERVER = "http://127.0.0.1:8000"
#: bytes read from a file at a time: large enough for the disk, small enough for a lively progress bar
PIECE_BYTES = 256 * 1024
#: between two polls, should the server not hold them
PAUSE_S = 0.25
#: the server's heartbeats in a quiet stream of events come far more often, in seconds
STREAM_SILENCE_S = 90.0
_CONNECT_S = 5.0


def headers(api_key: str | None) -> dict[str, str]:
    return {"Accept": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})


def timeout(silence_s: float) -> httpx.Timeout:
    return httpx.Timeout(silence_s, connect=_CONNECT_S)


def arguments(call: Call[Any]) -> dict[str, Any]:
    """A call's part of httpx's arguments; the body of an upload is the client's to add."""
    return {"params": call.query, "headers": call.headers} | ({"json": call.json} if call.json is not None else {})


def resuming(last: str) -> dict[str, Any]:
    """The arguments of a request for events, from the last one that was seen on ('' for now)."""
    return {"headers": {"Last-Event-ID": last} if last else {}, "timeout": timeout(STREAM_SILENCE_S)}


def unreachable(server: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(
        f"no answer from {server}: {error or type(error).__name__}",
        remedy="Start the service with `tingxie up`, or give its address with --server or TINGXIE_URL.",
    )
