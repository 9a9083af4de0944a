"""An EventSource as browsers have one: connects again by itself, from the last event on, until it is told to stop."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
from httpx_sse import ServerSentEvent, connect_sse

from tests.support.waiting import eventually


@dataclass
class EventSource:
    """Follows a job in a thread of its own; `events` grows. Leave the block, and it stops."""

    url: Callable[[], str]
    events: list[ServerSentEvent] = field(default_factory=list)
    connections: int = 0
    last_id: str = ""
    stopped: bool = False

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._follow)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped = True
        self._thread.join(30)

    def _follow(self) -> None:
        while not self.stopped:
            try:
                self._connect()
            except httpx.TransportError:
                continue

    def _connect(self) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with httpx.Client(timeout=20) as client, connect_sse(client, "GET", self.url(), headers=headers) as source:
            self.connections += 1
            if source.response.status_code != 200:  # 204 says so, an error can't be mended
                self.stopped = True
                return
            for event in source.iter_sse():
                self.events.append(event)
                self.last_id = event.id or self.last_id
                if self.stopped:
                    return

    def data(self, kind: str) -> list[dict[str, Any]]:
        return [event.json() for event in list(self.events) if event.event == kind]

    @property
    def text(self) -> str:
        """The text so far, as a client would show it."""
        text = ""
        for event in list(self.events):
            if event.event == "snapshot":
                text = event.json()["text"]
            elif event.event == "text":
                text += event.json()["delta"]
        return text

    def wait_for(self, kind: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """The data of the newest event of a kind, once there is one."""
        return eventually(lambda: self.data(kind), timeout_s)[-1]
