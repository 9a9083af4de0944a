"""The Python client of the service: plain HTTP, nothing of the server's code.

with Client("http://127.0.0.1:8000") as client:
    job = client.submit(Path("talk.m4a"))
    job = client.wait(job.id)
    print(client.transcript(job.id, "txt"))
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx

from tingxie.answers import checked, job_of, page_of
from tingxie.errors import InputMissing, ServerUnreachable
from tingxie.records import Job, JobPage

DEFAULT_SERVER = "http://127.0.0.1:8000"

Format = Literal["txt", "json", "srt", "vtt", "tsv"]

#: bytes read from the file at a time: large enough for the disk, small enough for a lively progress bar
_PIECE_BYTES = 256 * 1024
#: how long `wait` goes on asking a server that doesn't answer; a restart of the front end or of Redis takes seconds
PATIENCE_S = 60.0
_PAUSE_S = 1.0


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What a user may choose for a job; None leaves it to the server."""

    model: str | None = None
    language: str | None = None
    priority: Literal["high", "normal", "low"] | None = None
    cutting: Literal["silence", "fixed"] | None = None

    def query(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value is not None}


class Client:
    """One server. Every call raises ServerUnreachable, RequestRefused (JobUnknown, JobNotEnded) or ServerFault.

    Safe to share between threads. `timeout_s` is the longest silence of the server that a call accepts.
    """

    def __init__(self, server: str = DEFAULT_SERVER, *, timeout_s: float = 60.0) -> None:
        self.server = server.rstrip("/")
        self._http = httpx.Client(
            base_url=self.server,
            timeout=httpx.Timeout(timeout_s, connect=5.0),
            headers={"Accept": "application/json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def submit(
        self,
        path: Path,
        *,
        options: SubmitOptions | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Job:
        """Upload a file, in pieces from the disk, as a new job. `on_bytes` is told the length of each piece sent.

        Raises InputMissing where the file can't be read.
        """
        query = {"filename": path.name, **(options or SubmitOptions()).query()}
        try:
            size_bytes = path.stat().st_size
            with path.open("rb") as file:
                answer = self._call(
                    "POST",
                    "/v1/jobs",
                    params=query,
                    content=_pieces(file.read, on_bytes),
                    headers={"Content-Type": "application/octet-stream", "Content-Length": str(size_bytes)},
                )
        except OSError as error:
            raise InputMissing(f"{path}: {error.strerror}") from error
        return job_of(answer)

    def status(self, job_id: str, *, wait_s: float = 0.0) -> Job:
        """The job's record. With `wait_s` the server may hold the answer that long, until the state changes."""
        query = {"wait": f"{wait_s:g}"} if wait_s else {}
        return job_of(self._call("GET", _path(job_id), params=query))

    def wait(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        on_change: Callable[[Job], None] | None = None,
    ) -> Job:
        """Poll until the job has ended and return it, in whatever state. `on_change` sees every record on the way.

        A server that is away is asked again for a minute. Raises TimeoutError after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s if timeout_s is not None else None
        heard = time.monotonic()
        while True:
            try:
                job = self.status(job_id, wait_s=_PAUSE_S)
            except ServerUnreachable:
                if time.monotonic() - heard > PATIENCE_S:
                    raise
            else:
                heard = time.monotonic()
                if on_change is not None:
                    on_change(job)
                if job.ended:
                    return job
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"job {job_id} has not ended after {timeout_s:g} s")
            time.sleep(_PAUSE_S / 4)

    def transcript(self, job_id: str, form: Format = "txt") -> str:
        """The transcript in one of the server's formats. Raises JobNotEnded; RequestRefused where the job failed."""
        return self._call("GET", f"{_path(job_id)}/transcript", params={"format": form}).text

    def cancel(self, job_id: str) -> Job:
        return job_of(self._call("POST", f"{_path(job_id)}/cancel"))

    def delete(self, job_id: str) -> None:
        self._call("DELETE", _path(job_id))

    def list(self, *, state: str = "", limit: int = 50, cursor: str = "") -> JobPage:
        query = {"state": state, "limit": str(limit), "cursor": cursor}
        return page_of(self._call("GET", "/v1/jobs", params={name: text for name, text in query.items() if text}))

    def check_alive(self) -> None:
        """Raises ServerUnreachable where nobody answers at this address."""
        self._call("GET", "/healthz")

    def readiness(self) -> dict[str, Any]:
        """What `/readyz` tells, ready or not: `ready` says which, the rest is the detail of each part."""
        try:
            answer = self._http.get("/readyz")
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise _unreachable(self.server, error) from error
        return {**body, "ready": answer.is_success}

    def _call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **arguments)
        except httpx.HTTPError as error:
            raise _unreachable(self.server, error) from error
        return checked(answer)


def _path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _pieces(read: Callable[[int], bytes], on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    while piece := read(_PIECE_BYTES):
        yield piece
        if on_bytes is not None:
            on_bytes(len(piece))


def _unreachable(server: str, error: Exception) -> ServerUnreachable:
    return ServerUnreachable(
        f"no answer from {server}: {error or type(error).__name__}",
        remedy="Start the service with `tingxie up`, or give its address with --server or TINGXIE_URL.",
    )
