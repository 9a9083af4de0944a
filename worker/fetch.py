"""Fetching a job's audio by its URL, in the time of its prepare unit, before anything can be decoded.

What arrives is written in parts that are synced one by one, so a broken connection, a yield to others or the death of
this process costs at most the part in hand: the next attempt asks for the rest (Range, If-Range), where the server has
a validator for it. The last step joins the parts to the audio. Between failed attempts the unit rests, claimed by
nobody.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from http import HTTPStatus
from itertools import chain

import structlog
from pydantic import BaseModel, ValidationError

from jobs.containers import HEAD_BYTES, not_audio
from jobs.errors import (
    AudioEmpty,
    FetchDenied,
    FetchFailed,
    FetchNotAudio,
    FetchNotFound,
    FetchRefused,
    FetchTooLarge,
    JobNotFound,
    ObjectMissing,
    UrlRefused,
)
from jobs.ledger import Ledger, PrepareUnit, Refused
from jobs.outgoing import redacted
from jobs.settings import Settings
from jobs.store import AudioStore, Measured, layout
from worker.outgoing import Answer, Limits, Outgoing, RequestFailed, retry_after_s

log = structlog.get_logger(__name__)

REDIRECTS = 5
CONNECT_S, IDLE_S = 10.0, 30.0
#: what a killed process may lose
PART_BYTES = 64 << 20
#: pauses after failures in a row; one more failure fails the job
PAUSES_S = (1.0, 5.0, 30.0, 120.0, 300.0)
LONGEST_PAUSE_S = 600.0
#: a unit gets no further than this share of prepare_timeout_s, at which its process would be killed
SLICE_SHARE = 0.5
#: others that wait, and whether the job is still wanted, are asked about this often
ASK_S = 1.0

_NOT_FOUND = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_DENIED = frozenset({401, 402, 403, 407, 451})
_PASSING = frozenset({408, 425, 429})


class Progress(BaseModel):
    """What the next attempt must know. validator: the ETag or date for If-Range; '' where the rest can't be had."""

    began_at: float
    failures: int = 0
    validator: str = ""
    total_bytes: int | None = None


class _End(Enum):
    """Why a part ended."""

    WHOLE = "the file is there"
    PART = "the part is full"
    SLICE = "others wait, or this process is to end"


class Fetch:
    """One attempt of one unit. Raises JobErrors, Refused, StoreUnavailable and LedgerUnavailable, as prepare does."""

    def __init__(
        self,
        unit: PrepareUnit,
        ledger: Ledger,
        store: AudioStore,
        settings: Settings,
        outgoing: Outgoing,
        *,
        should_yield: Callable[[], bool],
        is_draining: Callable[[], bool],
    ) -> None:
        self._unit = unit
        self._ledger = ledger
        self._store = store
        self._settings = settings
        self._outgoing = outgoing
        self._should_yield = should_yield
        self._is_draining = is_draining
        self._url = unit.request.source_url or ""
        self._started = self._asked = time.monotonic()
        self._progress = Progress(began_at=0.0)
        self._broken: RequestFailed | None = None
        self._have = self._had = 0

    def run(self) -> bool:
        """True once the audio is in the store; False if the unit was given up, for others or for a rest."""
        job_id = self._unit.job_id
        if not self._url or self._store.exists(layout.audio(job_id)):
            return True
        self._progress = self._read_progress()
        self._have = self._had = sum(size for _, size in self._parts())
        try:
            is_whole = self._is_whole() or self._connection()
        except UrlRefused as error:
            raise FetchRefused(error.detail) from error
        except RequestFailed as error:
            self._rest(error)
            return False
        if is_whole:
            self._join()
            return True
        self._ledger.yield_prepare(self._unit, parked=False)
        log.info("fetch.yielded", job_id=job_id, size_bytes=self._have)
        return False

    # ---- one connection
    def _connection(self) -> bool:
        """Receive what is missing; False where the slice is over before all of it has come."""
        self._check_time()
        headers = {}
        if self._have and self._progress.validator:
            headers = {"Range": f"bytes={self._have}-", "If-Range": self._progress.validator}
        limits = Limits(CONNECT_S, IDLE_S, self._slice_s() + IDLE_S)
        with self._outgoing.request("GET", self._url, headers=headers, limits=limits, redirects=REDIRECTS) as answer:
            self._check(answer)
            self._note(answer)
            return self._receive(answer)

    def _check(self, answer: Answer) -> None:
        """Raise what an answer means that isn't (the rest of) the file."""
        status, said = answer.status, f"{redacted(answer.url)} answered {answer.status}"
        if status in _NOT_FOUND:
            raise FetchNotFound(said)
        if status in _DENIED:
            raise FetchDenied(said)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
            raise RequestFailed(said, retry_after_s=retry_after_s(answer.headers))
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            self._forget()
            raise RequestFailed(said)
        if status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise FetchFailed(f"{said}.")
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise FetchFailed(f"{redacted(answer.url)} compresses its answer, though it was asked not to.")

    def _note(self, answer: Answer) -> None:
        """Where the body begins, how long the whole is, and whether the rest of it can be asked for later."""
        if answer.status == HTTPStatus.PARTIAL_CONTENT:
            first, total = _content_range(answer.headers.get("content-range", ""))
            if first != self._have:
                self._forget()
                raise RequestFailed("the server sent another part of the file than was asked for")
        else:
            self._forget()
            length = answer.headers.get("content-length", "")
            total = int(length) if length.isdecimal() else None
        if total is not None and total > self._settings.max_upload_bytes:
            raise FetchTooLarge(f"It has {total} bytes; at most {self._settings.max_upload_bytes} are accepted.")
        self._progress = self._progress.model_copy(
            update={"validator": _validator(answer.headers), "total_bytes": total}
        )
        self._write_progress()
        self._had = self._have

    def _receive(self, answer: Answer) -> bool:
        chunks = answer.chunks()
        number = len(self._parts())
        end = _End.PART
        while end is _End.PART and self._broken is None:
            ends: list[_End] = []
            part = self._part(chunks, ends)
            first = next(part, b"")
            if first:
                name = layout.fetched_part(self._unit.job_id, number)
                self._store.write(name, chain((first,), part), sync=True)
                number += 1
            end = ends[0]
        if self._broken is not None:
            raise self._broken
        if self._progress.total_bytes == 0:
            raise AudioEmpty("The URL gives no bytes.")
        if self._have == self._had:
            raise RequestFailed("the server sent nothing")
        return end is _End.WHOLE and self._have == (self._progress.total_bytes or self._have)

    def _part(self, chunks: Iterator[bytes], ends: list[_End]) -> Iterator[bytes]:
        """The next part's bytes; how it ended goes into `ends`. A connection that breaks ends it too."""
        size = 0
        try:
            for chunk in chunks:
                size += len(chunk)
                self._have += len(chunk)
                self._check_chunk(chunk)
                yield chunk
                if self._is_over():
                    ends.append(_End.SLICE)
                    return
                if size >= PART_BYTES:
                    ends.append(_End.PART)
                    return
        except RequestFailed as error:
            self._broken = error
        ends.append(_End.WHOLE)

    def _check_chunk(self, chunk: bytes) -> None:
        limit = self._settings.max_upload_bytes
        if self._have > limit:
            raise FetchTooLarge(f"It has more than {limit} bytes.")
        if self._have == len(chunk) >= HEAD_BYTES:
            self._check_head(chunk)

    def _check_head(self, head: bytes) -> None:
        if kind := not_audio(head[:HEAD_BYTES]):
            raise FetchNotAudio(f"{redacted(self._url)} is {kind}.")

    def _is_over(self) -> bool:
        """Whether the unit is to be given up here: one that can be resumed for others, any to end this process."""
        now = time.monotonic()
        worked_s, resumable = now - self._started, bool(self._progress.validator)
        if self._is_draining():
            return True
        if worked_s > self._slice_s():
            if not resumable:
                raise FetchFailed(f"It took longer than {worked_s:.0f} s, and its server can't resume a download.")
            return True
        if now - self._asked < ASK_S:
            return False
        self._asked = now
        self._check_wanted()
        return resumable and worked_s >= self._settings.prepare_slice_s and self._should_yield()

    def _check_wanted(self) -> None:
        """Raise Refused where the job was cancelled or deleted meanwhile."""
        try:
            has_ended = self._ledger.job(self._unit.job_id).state.is_terminal
        except JobNotFound:
            has_ended = True
        if has_ended:
            raise Refused(f"{self._unit.job_id} has ended while it was fetched")

    def _slice_s(self) -> float:
        return SLICE_SHARE * self._settings.prepare_timeout_s

    # ---- over several attempts
    def _check_time(self) -> None:
        if self._ledger.now() - self._progress.began_at > self._settings.fetch_timeout_s:
            raise FetchFailed(f"It was not there after {self._settings.fetch_timeout_s:.0f} s.")

    def _is_whole(self) -> bool:
        """All of it came before; only the join is missing."""
        return self._progress.total_bytes is not None and 0 < self._progress.total_bytes == self._have

    def _rest(self, error: RequestFailed) -> None:
        """Give the unit up until another attempt is due. Raises FetchFailed where there were too many."""
        progressed = self._have > self._had and self._progress.validator
        failures = 1 if progressed else self._progress.failures + 1
        if failures > len(PAUSES_S):
            raise FetchFailed(f"{failures} attempts failed; the last one: {error}.") from error
        self._progress = self._progress.model_copy(update={"failures": failures})
        self._write_progress()
        pause_s = min(max(PAUSES_S[failures - 1], error.retry_after_s), LONGEST_PAUSE_S)
        log.info("fetch.resting", job_id=self._unit.job_id, failures=failures, pause_s=pause_s, reason=str(error))
        self._ledger.yield_prepare(self._unit, parked=True, rest_s=pause_s)

    def _join(self) -> None:
        job_id, parts = self._unit.job_id, self._parts()
        head = b"".join(b"".join(self._store.chunks(name, 0, min(size, HEAD_BYTES))) for name, size in parts[:1])
        self._check_head(head)
        measured = Measured(chain.from_iterable(self._store.chunks(name) for name, _ in parts))
        self._store.write(layout.audio(job_id), measured, sync=True)
        stored = measured.stored
        self._store.delete_all(layout.fetched(job_id))
        worked_s = round(time.monotonic() - self._started, 3)
        log.info("fetch.done", job_id=job_id, size_bytes=stored.size_bytes, sha256=stored.sha256, worked_s=worked_s)

    def _parts(self) -> list[tuple[str, int]]:
        """The parts in order, each with its size."""
        prefix = layout.fetched(self._unit.job_id)
        found = {each.name: each.size_bytes for each in self._store.list(prefix)}
        return [(name, found[name]) for name in sorted(found) if name.removeprefix(prefix).isdecimal()]

    def _forget(self) -> None:
        """What came so far is of no use: the file has changed, or can't be resumed.

        From the end, so that what a crash leaves is still the file's beginning.
        """
        self._have = 0
        for name, _ in reversed(self._parts()):
            self._store.delete(name)

    def _read_progress(self) -> Progress:
        try:
            return Progress.model_validate_json(self._store.read(layout.fetch_progress(self._unit.job_id)))
        except (ObjectMissing, ValidationError):
            return Progress(began_at=self._ledger.now())

    def _write_progress(self) -> None:
        self._store.write(layout.fetch_progress(self._unit.job_id), [self._progress.model_dump_json().encode()])


def _validator(headers: Mapping[str, str]) -> str:
    """For If-Range: a strong ETag, else the date of the last change (RFC 9110, 13.1.5)."""
    if headers.get("accept-ranges", "").lower() == "none":
        return ""
    etag = headers.get("etag", "")
    return etag if etag.startswith('"') else headers.get("last-modified", "")


def _content_range(header: str) -> tuple[int | None, int | None]:
    """First byte and total of `bytes 100-199/200`; None for what isn't said."""
    positions, _, total = header.removeprefix("bytes ").partition("/")
    first = positions.partition("-")[0].strip()
    return int(first) if first.isdecimal() else None, int(total) if total.isdecimal() else None
