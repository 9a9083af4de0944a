"""The client for asyncio: Client's twin, call by call.

async with AsyncClient("http://127.0.0.1:8000") as client:
    job = await client.submit(Path("talk.m4a"))
    job = await client.wait(job.id)
    print((await client.transcript(job.id)).text)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from httpx_sse import aconnect_sse

from tingxie import calls
from tingxie.answers import checked
from tingxie.calls import MOST_JOBS, Call, Format
from tingxie.connection import (
    DEFAULT_SERVER,
    PAUSE_S,
    PIECE_BYTES,
    arguments,
    headers,
    resuming,
    timeout,
    unreachable,
)
from tingxie.errors import InputMissing, RateLimited, ServerUnreachable, UploadElsewhere
from tingxie.events import Event
from tingxie.form import Form
from tingxie.patience import PATIENCE_S, Passing, Patience
from tingxie.records import Job, JobPage
from tingxie.standing import RESUMABLE_BYTES
from tingxie.submit_options import SubmitOptions
from tingxie.transcript import Transcript
from tingxie.waiting import Waiting

Answer = TypeVar("Answer")


class AsyncClient:
    """One server. Every call raises ServerUnreachable, RequestRefused (RateLimited, JobUnknown, …) or ServerFault.

    Where the server is away or asks to come back later (429, 503 with Retry-After), a call is sent again for up to
    `patience_s`; `pause` is how it waits. `timeout_s` is the longest silence of the server that a call
    accepts.
    """

    def __init__(
        self,
        server: str = DEFAULT_SERVER,
        *,
        api_key: str | None = None,
        timeout_s: float = 60.0,
        patience_s: float = PATIENCE_S,
        pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.server = server.rstrip("/")
        self._patience_s = patience_s
        self._pause = pause
        self._reached = False
        self._http = httpx.AsyncClient(base_url=self.server, timeout=timeout(timeout_s), headers=headers(api_key))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def submit(
        self,
        path: Path,
        *,
        options: SubmitOptions | None = None,
        on_bytes: Callable[[int], None] | None = None,
    ) -> Job:
        """Upload a file, in pieces from the disk, as a new job. `on_bytes` is told how many bytes were sent so far.

        An upload that breaks off makes one job: a small file is sent again, of a large one (from 32 MiB on)
        only what is missing. Raises InputMissing where the file can't be read.
        """
        options = options or SubmitOptions()
        try:
            size_bytes = (await asyncio.to_thread(path.stat)).st_size
            if size_bytes >= RESUMABLE_BYTES:
                return await self._submit_resumably(path, size_bytes, options, on_bytes)
            form = Form.of(options.fields(), path.name)
            call = calls.submit(form, size_bytes)
            return await self._call(call, body=lambda: _form_pieces(form, path, on_bytes))
        except OSError as error:
            raise InputMissing(f"{path}: {error.strerror}") from error

    async def _submit_resumably(
        self, path: Path, size_bytes: int, options: SubmitOptions, on_bytes: Callable[[int], None] | None
    ) -> Job:
        standing = await self._call(calls.begin_upload(path.name, size_bytes, options))
        patience = self._patience()
        while not standing.job_id:
            try:
                call = calls.add_to_upload(standing)
                standing = call.read(await self._send(call, _pieces(path, standing.offset, on_bytes)))
            except (ServerUnreachable, RateLimited, UploadElsewhere) as error:
                await self._wait_out(error, patience)
                now = await self._call(calls.upload_standing(standing))
                if now.offset > standing.offset:
                    patience = self._patience()
                standing = now
        return await self.status(standing.job_id)

    async def submit_url(self, url: str, *, options: SubmitOptions | None = None) -> Job:
        """A new job whose audio a worker fetches from `url`."""
        return await self._call(calls.submit_url(url, options))

    async def status(self, job_id: str, *, wait_s: float = 0.0) -> Job:
        """The job's record. With `wait_s` the server may hold the answer that long, until the state changes."""
        return await self._call(calls.status(job_id, wait_s))

    async def wait(
        self,
        job_id: str,
        *,
        timeout_s: float | None = None,
        on_change: Callable[[Job], None] | None = None,
    ) -> Job:
        """Poll until the job has ended and return it, in whatever state. `on_change` sees every record on the way.

        Raises TimeoutError after `timeout_s`.
        """
        waiting = Waiting(job_id, timeout_s, watched=on_change is not None)
        while True:
            job = await self.status(job_id, wait_s=waiting.poll_s())
            if on_change is not None:
                on_change(job)
            if job.ended:
                return job
            waiting.check()
            await self._pause(PAUSE_S)

    async def events(self, job_id: str, *, after: str = "") -> AsyncIterator[Event]:
        """What happens to the job from now on, or after the event with this id, until it has ended.

        A connection that breaks is made again, from the last event on.
        """
        last, patience = after, self._patience()
        while True:
            try:
                async with aconnect_sse(self._http, "GET", calls.events_path(job_id), **resuming(last)) as source:
                    if source.response.status_code == HTTPStatus.NO_CONTENT:
                        return  # `after` was the last event
                    if not source.response.is_success:
                        await source.response.aread()
                    checked(source.response)
                    async for sent in source.aiter_sse():
                        event = Event.of(sent)
                        last, patience = event.id or last, self._patience(reached=True)
                        yield event
                        if event.ends_the_job:
                            return
                # Closed before the end: the front end is being restarted.
                await self._pause(PAUSE_S)
            except httpx.HTTPError as error:
                await self._wait_out(unreachable(self.server, error), patience)
            except (ServerUnreachable, RateLimited) as error:
                await self._wait_out(error, patience)

    async def transcript(self, job_id: str) -> Transcript:
        """The transcript, typed. Raises JobNotEnded; RequestRefused where the job failed."""
        return await self._call(calls.transcript(job_id))

    async def transcript_text(self, job_id: str, form: Format = "txt") -> str:
        """The transcript as the server renders it. Raises as `transcript` does."""
        return await self._call(calls.transcript_text(job_id, form))

    async def cancel(self, job_id: str) -> Job:
        return await self._call(calls.cancel(job_id))

    async def retry(self, job_id: str) -> Job:
        """A new job from the audio of one that failed or was cancelled."""
        return await self._call(calls.retry(job_id))

    async def delete(self, job_id: str) -> None:
        await self._call(calls.delete(job_id))

    async def list(
        self,
        *,
        state: str = "",
        limit: int = 50,
        cursor: str = "",
        owner: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> JobPage:
        """A page of jobs, newest first. owner: somebody else's (scope `admin`). metadata: only with these notes."""
        return await self._call(calls.jobs(state, limit, cursor, owner, metadata))

    async def each_job(
        self,
        *,
        state: str = "",
        owner: str = "",
        metadata: Mapping[str, str] | None = None,
        at_a_time: int = MOST_JOBS,
    ) -> AsyncIterator[Job]:
        """All jobs, newest first, as many at a time as asked for or as the server gives."""
        cursor = ""
        while True:
            page = await self.list(state=state, limit=at_a_time, cursor=cursor, owner=owner, metadata=metadata)
            for job in page.jobs:
                yield job
            cursor = page.cursor
            if not cursor:
                return

    async def service_status(self, *, target_s: float = 300.0, model: str = "") -> dict[str, Any]:
        """`/v1/status`: what waits and who works on it; how many workers would end it in `target_s`."""
        return await self._call(calls.service_status(target_s, model))

    async def check_alive(self) -> None:
        """Raises ServerUnreachable where nobody answers at this address; asks once."""
        await self._call(calls.alive())

    async def readiness(self) -> dict[str, Any]:
        """What `/readyz` tells, ready or not: `ready` says which, the rest is the detail of each part. Asks once."""
        try:
            answer = await self._http.get("/readyz")
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise unreachable(self.server, error) from error
        return {**body, "ready": answer.is_success}

    async def _call(self, call: Call[Answer], *, body: Callable[[], AsyncIterator[bytes]] | None = None) -> Answer:
        patience = self._patience()
        while True:
            try:
                answer = await self._send(call, body() if body is not None else None)
                return call.read(answer)
            except (ServerUnreachable, RateLimited) as error:
                if not call.repeatable:
                    raise
                await self._wait_out(error, patience)

    async def _send(self, call: Call[Any], content: AsyncIterator[bytes] | None) -> httpx.Response:
        try:
            answer = await self._http.request(call.method, call.path, content=content, **arguments(call))
        except httpx.HTTPError as error:
            raise unreachable(self.server, error) from error
        self._reached = True
        return checked(answer)

    def _patience(self, *, reached: bool = False) -> Patience:
        self._reached |= reached
        return Patience(self._patience_s, reached=self._reached)

    async def _wait_out(self, error: Passing, patience: Patience) -> None:
        """Wait until the call is worth repeating; raises the error where it isn't."""
        pause_s = patience.pause_s(error)
        if pause_s is None:
            raise error
        await self._pause(pause_s)


async def _form_pieces(form: Form, path: Path, on_bytes: Callable[[int], None] | None) -> AsyncIterator[bytes]:
    yield form.head
    async for piece in _pieces(path, 0, on_bytes):
        yield piece
    yield form.tail


async def _pieces(path: Path, start: int, on_bytes: Callable[[int], None] | None) -> AsyncIterator[bytes]:
    """The file from byte `start` on."""
    sent = start
    file = await asyncio.to_thread(path.open, "rb")
    with file:
        file.seek(start)
        while piece := await asyncio.to_thread(file.read, PIECE_BYTES):
            yield piece
            sent += len(piece)
            if on_bytes is not None:
                on_bytes(sent)
