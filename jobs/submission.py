"""Taking a job in: the upload into the store, `job.json` beside it, the job into the ledger, a hint to the workers."""

import unicodedata
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import unquote

import structlog

from jobs.broker import Hinter
from jobs.containers import HEAD_BYTES, not_audio
from jobs.errors import (
    AudioGone,
    NotRetriable,
    ObjectMissing,
    OptionsConflict,
    QuotaUsedUp,
    SecretMissing,
    StoreFull,
    StoreUnavailable,
    TingxieError,
    TooMuchQueued,
    UnknownModel,
    UnsupportedFormat,
    UploadEmpty,
    UploadTooLarge,
    UrlRefused,
)
from jobs.job import Job, JobOptions, JobRequest, State
from jobs.ledger import Caps, Ledger
from jobs.model import ModelSpec
from jobs.outgoing import check_url
from jobs.settings import Cutting, Settings
from jobs.store import AudioStore, Measured, Stored, layout
from jobs.webhook import Secrets
from jobs.window import MIN_KEPT_SHARE

log = structlog.get_logger()

MAX_FILENAME_CHARS = 255
NAMELESS = "audio"

#: Whisper reads windows of at most 30 s and stitches fixed cuts with 5 s of context on each side best (FACTS.md).
WHISPER_WINDOWS: tuple[Cutting, float, float] = ("fixed", 30.0, 5.0)

#: why a job isn't made of a recording that is here already, or will be fetched
NOT_TAKEN: tuple[type[TingxieError], ...] = (
    UnknownModel,
    OptionsConflict,
    UrlRefused,
    SecretMissing,
    TooMuchQueued,
    QuotaUsedUp,
    StoreFull,
)


class Accepted(JobRequest):
    """A request that became a job. deduplicated_from: the job whose work or result it shares."""

    deduplicated_from: str | None


@dataclass(frozen=True, slots=True)
class Submissions:
    """`begin`, then `receive` the bytes, then `accept` the job. What isn't accepted leaves nothing in the store."""

    settings: Settings
    ledger: Ledger
    store: AudioStore
    hinter: Hinter

    def begin(self, owner: str = "", caps: Caps | None = None) -> str:
        """The id of a new job; raises LedgerUnavailable before the client has sent ten gigabytes for nothing.

        Raises TooMuchQueued too, where an owner is named.
        """
        self.ledger.check_caps(owner, caps)
        return uuid.uuid4().hex

    def receive(self, job_id: str, chunks: Iterable[bytes]) -> Stored:
        """Stream an upload into the store, synced; never holds more of it than a few chunks.

        Raises UploadEmpty, UnsupportedFormat, UploadTooLarge, StoreUnavailable, and whatever reading `chunks` raises.
        """
        head, everything = _peek(chunks)
        if not head:
            raise UploadEmpty
        if kind := not_audio(head):
            raise UnsupportedFormat(f"The upload is {kind}.")
        measured = Measured(self._limited(everything))
        try:
            self.store.write(layout.audio(job_id), measured, sync=True)
        except BaseException:
            self.discard(job_id)
            raise
        return measured.stored

    def accept_url(
        self, url: str, *, filename: str, options: JobOptions, owner: str, job_id: str = "", batch_id: str | None = None
    ) -> Accepted:
        """Make a job whose audio a worker will fetch; `filename` '' takes the URL's own. Raises as `accept` does.

        Raises UrlRefused for a URL that can be refused without a look-up.
        """
        target = check_url(url, self.settings.allowed)
        named = filename or unquote(target.path.partition("?")[0]).rpartition("/")[2]
        return self.accept(
            job_id or self.begin(owner),
            Stored(0, ""),
            filename=named,
            options=options,
            owner=owner,
            source_url=url,
            batch_id=batch_id,
        )

    def accept(
        self,
        job_id: str,
        stored: Stored,
        *,
        filename: str,
        options: JobOptions,
        owner: str,
        source_url: str | None = None,
        caps: Caps | None = None,
        batch_id: str | None = None,
    ) -> Accepted:
        """Make a job of a received upload; once this returns, the job survives even the loss of all Redis data.

        caps: the owner's, where they aren't those of the settings.
        Raises OptionsConflict, UnknownModel, UrlRefused and SecretMissing (of the webhook), TooMuchQueued or
        StoreUnavailable, and then forgets the upload;
        LedgerUnavailable leaves it and its job.json where they are, since the ledger may have taken the job before the
        answer got lost.
        """
        try:
            request = self._request(job_id, stored, filename, options, owner)
        except BaseException:
            self.discard(job_id)
            raise
        return self._enter(request.model_copy(update={"source_url": source_url, "batch_id": batch_id}), caps)

    def retry(self, job: Job, caps: Caps | None = None) -> Accepted:
        """A new job of an ended one's audio and options, for its owner. Raises NotRetriable, AudioGone, and as accept.

        States are for good, so the old job stays as it is; `retry_of` of the new one names it.
        """
        if job.state not in (State.FAILED, State.CANCELLED):
            raise NotRetriable(f"Job {job.id} is {job.state}.")
        try:
            before = JobRequest.read(self.store.read(layout.job_record(job.id)))
            job_id = self.begin(before.owner, caps)
            changes = {"id": job_id, "created_at": self.ledger.now(), "retry_of": job.id, "batch_id": None}
            if self.store.exists(layout.audio(job.id)) or not before.source_url:
                self.store.copy(layout.audio(job.id), layout.audio(job_id))
        except ObjectMissing as error:
            raise AudioGone(f"The audio of job {job.id} is no longer in the store.") from error
        return self._enter(before.model_copy(update=changes), caps)

    def _enter(self, request: JobRequest, caps: Caps | None) -> Accepted:
        job_id = request.id
        try:
            self.store.write(layout.job_record(job_id), [request.model_dump_json().encode()], sync=True)
        except BaseException:
            self.discard(job_id)
            raise
        try:
            entered = self.ledger.create(request, caps=caps)
        except TooMuchQueued:
            self.discard(job_id)
            raise
        self.hinter.cpu()
        log.info("job.accepted", job_id=job_id, size_bytes=request.size_bytes, model=request.model)
        return Accepted(**request.model_dump(), deduplicated_from=entered.deduplicated_from)

    def check(self, options: JobOptions, owner: str = "") -> None:
        """Raise what `accept` would raise for these options, of this owner where one is named; before the upload."""
        self._windows(options, self._spec(options.model or self.settings.model))
        self._check_webhook(options, owner)

    def discard(self, job_id: str) -> None:
        """Remove an upload that became no job. The sweep removes what can't be removed now."""
        try:
            self.store.delete_all(layout.job_folder(job_id))
        except StoreUnavailable as error:
            log.warning("upload.discard_failed", job_id=job_id, error=error.detail)

    def _limited(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        limit, size = self.settings.max_upload_bytes, 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise UploadTooLarge(f"The upload is larger than {limit} bytes.")
            yield chunk

    def _request(self, job_id: str, stored: Stored, filename: str, options: JobOptions, owner: str) -> JobRequest:
        model = options.model or self.settings.model
        cutting, window_s, context_s = self._windows(options, self._spec(model))
        self._check_webhook(options, owner)
        return JobRequest(
            id=job_id,
            owner=owner,
            created_at=self.ledger.now(),
            filename=clean_filename(filename),
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            model=model,
            language=options.language,
            task=options.task,
            timestamps=options.timestamps,
            cutting=cutting,
            window_s=window_s,
            context_s=context_s,
            script=options.script,
            channels=options.channels,
            **self._silence(options),
            priority=options.priority,
            metadata=options.metadata,
            retention_s=self._retention_s(options),
            webhook_url=options.webhook_url,
        )

    def _silence(self, options: JobOptions) -> dict[str, Any]:
        """What a request says of silence; the lengths only where they matter, so that the others share their work."""
        settings = self.settings
        if not (settings.skip_silence if options.skip_silence is None else options.skip_silence):
            return {}
        return {"skip_silence": True, "silence_s": settings.silence_s, "silence_margin_s": settings.silence_margin_s}

    def _check_webhook(self, options: JobOptions, owner: str) -> None:
        """Raise UrlRefused or SecretMissing: an event that can't be sent, or that nobody could verify."""
        if options.webhook_url is None:
            return
        check_url(options.webhook_url, self.settings.allowed)
        if owner and not Secrets(self.store).in_force(owner):
            raise SecretMissing

    def _retention_s(self, options: JobOptions) -> float | None:
        """How long the ended job is kept: as it asks, but no longer than the server keeps any."""
        longest = self.settings.retention_s or None
        if options.retention_s is None or longest is None:
            return options.retention_s or longest
        return min(options.retention_s, longest)

    def _spec(self, model: str) -> ModelSpec | None:
        """The announced spec of a model, one that is served now if there are several; None where none is known.

        Without any live worker nothing can be said against a model: its worker may be about to start.
        """
        announced = sorted(self.ledger.models(), key=lambda known: known[1], reverse=True)
        for spec, _ in announced:
            if spec.model == model:
                return spec
        served = sorted({spec.model for spec, live in announced if live})
        if served and model != self.settings.model:
            raise UnknownModel(f"{model} is not among the served models: {', '.join(served)}.")
        return None

    def _windows(self, options: JobOptions, spec: ModelSpec | None) -> tuple[Cutting, float, float]:
        """(cutting, window_s, context_s): the job's own, else the model family's, else the server's settings."""
        settings = self.settings
        cutting, window_s, context_s = settings.cutting, settings.window_s, settings.context_s
        if spec and spec.family == "whisper":
            cutting, window_s, context_s = WHISPER_WINDOWS
        cutting = options.cutting or cutting
        window_s = options.window_s if options.window_s is not None else window_s
        context_s = options.context_s if options.context_s is not None else context_s
        if spec and window_s > spec.max_window_s:
            raise OptionsConflict(f"window_s is {window_s:g}, but {spec.model} reads at most {spec.max_window_s:g} s.")
        if window_s - 2 * context_s < MIN_KEPT_SHARE * window_s:
            raise OptionsConflict(
                f"context_s is {context_s:g} on each side, which leaves too little of {window_s:g} s."
            )
        return cutting, window_s, context_s


def clean_filename(name: str) -> str:
    """A file's name as shown to people and put into headers: no folders, no control characters, at most 255 long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(character for character in last if unicodedata.category(character)[0] != "C").strip()
    return kept[:MAX_FILENAME_CHARS] or NAMELESS


def _peek(chunks: Iterable[bytes]) -> tuple[bytes, Iterable[bytes]]:
    """The first HEAD_BYTES (fewer where there are no more), and all of the chunks."""
    source = iter(chunks)
    taken: list[bytes] = []
    while sum(map(len, taken)) < HEAD_BYTES and (chunk := next(source, None)) is not None:
        taken.append(chunk)
    return b"".join(taken)[:HEAD_BYTES], chain(taken, source)
