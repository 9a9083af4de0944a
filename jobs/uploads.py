"""Resumable uploads: begun, added to, made into a job, removed. Of each, one request at a time may do so."""

import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import structlog
from pydantic import ValidationError

from jobs.arriving_audio import ArrivingAudio
from jobs.containers import HEAD_BYTES, not_audio
from jobs.errors import (
    ObjectMissing,
    RequestError,
    UnsupportedFormat,
    UploadEmpty,
    UploadIncomplete,
    UploadLengthMismatch,
    UploadNotFound,
    UploadOffsetMismatch,
    UploadTooLarge,
)
from jobs.hold import Hold, upload_hold
from jobs.incoming import Checksum, Incoming
from jobs.job import JobOptions, JobRequest
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore, layout
from jobs.submission import Accepted, Submissions, clean_filename
from jobs.upload import Arrived, Part, Upload, stretches

log = structlog.get_logger()

#: what the end of a web process can cost of what had arrived, and the size of most objects of an upload
PART_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Uploads:
    """Every call raises StoreUnavailable or LedgerUnavailable where those are away."""

    settings: Settings
    ledger: Ledger
    store: AudioStore
    submissions: Submissions

    def create(
        self, owner: str, size_bytes: int | None, *, filename: str, metadata: str, options: JobOptions, submit: bool
    ) -> Upload:
        """Begin an upload, of unknown length too (None). Raises UploadTooLarge, and what Submissions.check raises."""
        self._check_size(size_bytes)
        if submit:
            self.submissions.check(options, owner)
        upload = Upload(
            id=uuid.uuid4().hex,
            owner=owner,
            created_at=self.ledger.now(),
            size_bytes=size_bytes,
            filename=clean_filename(filename),
            metadata=metadata,
            options=options,
            submit=submit,
        )
        self._record(upload)
        log.info("upload.begun", upload_id=upload.id, size_bytes=size_bytes)
        return upload

    def announce(self, arrived: Arrived, size_bytes: int) -> Arrived:
        """Now the length is known; from here on it stays. The caller holds the upload.

        Raises UploadTooLarge; UploadLengthMismatch where another length was announced, or more is here.
        """
        upload = arrived.upload
        if upload.size_bytes == size_bytes:
            return arrived
        if upload.size_bytes is not None:
            raise UploadLengthMismatch(f"It was announced as {upload.size_bytes} bytes before, and now {size_bytes}.")
        if size_bytes < arrived.offset:
            raise UploadLengthMismatch(f"{arrived.offset} bytes are here, more than the {size_bytes} announced.")
        self._check_size(size_bytes)
        upload = upload.model_copy(update={"size_bytes": size_bytes})
        self._record(upload)
        return replace(arrived, upload=upload)

    def find(self, upload_id: str, owner: str) -> Arrived:
        """The owner's upload, and what is here of it. Raises UploadNotFound."""
        unknown = UploadNotFound(f"There is no upload {upload_id[:64]!r}.")
        if not upload_id.isalnum() or not upload_id.isascii():
            raise unknown
        try:
            upload = Upload.model_validate_json(self.store.read(layout.upload_record(upload_id)))
            touched_at = self.store.info(layout.upload_record(upload_id)).modified_at
        except ObjectMissing as error:
            raise unknown from error
        if upload.owner != owner:
            raise unknown
        return self._arrived(upload, touched_at)

    def add(
        self,
        hold: Hold,
        arrived: Arrived,
        offset: int,
        pieces: Iterable[bytes],
        *,
        announced: int | None,
        checksum: Checksum | None = None,
    ) -> Arrived:
        """Append, and make the job if those were the last bytes and the client wants one. Raises as both do.

        announced: how many bytes there are to come, where that is known.
        """
        upload = arrived.upload
        with self._arriving_audio(arrived, announced) as audio:
            self.append(hold, arrived, offset, audio.passing(pieces) if audio else pieces, checksum)
            arrived = self.find(upload.id, upload.owner)
            if arrived.is_complete and upload.submit:
                self.make_job(hold, arrived, audio=audio)
                arrived = self.find(upload.id, upload.owner)
        return arrived

    def append(
        self, hold: Hold, arrived: Arrived, offset: int, pieces: Iterable[bytes], checksum: Checksum | None = None
    ) -> int:
        """Add bytes from `offset` on; returns the new offset. What reading `pieces` raises is raised, after what came
        before it was kept; with a checksum, all of it is kept or nothing.

        Raises UploadOffsetMismatch where the bytes begin or end elsewhere than they may; UploadTooLarge where those of
        an upload of unknown length are too many; UnsupportedFormat.
        """
        if offset != arrived.offset:
            raise UploadOffsetMismatch(f"The bytes begin at {offset}, but {arrived.offset} are here.")
        most, beyond = self.most_bytes(arrived.upload)
        incoming = Incoming(hold.renewing(pieces), most - offset, beyond)
        head = incoming.peek(HEAD_BYTES)
        if not offset and len(head) == HEAD_BYTES and (kind := not_audio(head)):
            raise UnsupportedFormat(f"The upload is {kind}.")
        if checksum:
            return offset + self._write(hold, arrived.upload, offset, incoming.verified(checksum))
        while incoming.peek(1):
            offset += self._write(hold, arrived.upload, offset, incoming.take(PART_BYTES))
        incoming.finish()
        return offset

    def most_bytes(self, upload: Upload) -> tuple[int, RequestError]:
        """How large the upload may become, and what to raise beyond."""
        if upload.size_bytes is not None:
            return upload.size_bytes, UploadOffsetMismatch(
                f"The upload has {upload.size_bytes} bytes; these would go beyond."
            )
        most = self.settings.max_upload_bytes
        return most, UploadTooLarge(f"At most {most} bytes are accepted.")

    def remove(self, arrived: Arrived) -> None:
        """Forget the upload; a job that was made of it stays."""
        self.store.delete(layout.upload_record(arrived.upload.id))
        self.store.delete_all(layout.upload_folder(arrived.upload.id))

    def make_job(
        self,
        hold: Hold,
        arrived: Arrived,
        *,
        filename: str = "",
        options: JobOptions | None = None,
        job_id: str = "",
        batch_id: str | None = None,
        audio: ArrivingAudio | None = None,
    ) -> Accepted:
        """The job of a complete upload, with its own name and options unless others are given. Repeated, the same job.

        job_id: the id that it gets, where that matters. audio: all of the upload, where it need not be copied any more.

        Raises UploadIncomplete, UploadNotFound where its job was deleted, and what submitting a file raises.
        """
        upload = arrived.upload
        if not arrived.is_complete:
            of = "an unknown number of" if upload.size_bytes is None else f"the {upload.size_bytes}"
            raise UploadIncomplete(f"{arrived.offset} of {of} bytes are here.")
        if upload.job_id and (made := self._made(upload)):
            return made
        if upload.is_job:
            raise UploadNotFound(f"The upload {upload.id} became the job {upload.job_id}, which was deleted.")
        if not upload.size_bytes:
            raise UploadEmpty
        new_id = self.submissions.begin(upload.owner)  # the copy is long, and for nothing where the owner has too much
        chosen_id = audio.job_id if audio else upload.job_id or job_id or new_id
        upload = upload.model_copy(update={"job_id": chosen_id})
        chosen = options or upload.options
        self.submissions.check(chosen, upload.owner)
        self._record(upload)
        with hold.kept():
            stored = audio.stored() if audio else self.submissions.receive(upload.job_id, self._bytes(arrived))
        hold.renew()
        made = self.submissions.accept(
            upload.job_id,
            stored,
            filename=filename or upload.filename,
            options=chosen,
            owner=upload.owner,
            batch_id=batch_id,
        )
        self._used_up(upload)
        return made

    def make_forgotten_jobs(self) -> None:
        """Make the jobs of complete uploads that were to become one by themselves, and whose last request died first.

        Raises StoreUnavailable or LedgerUnavailable; an upload that can't become a job stays what it is.
        """
        for name in [found.name for found in self.store.list(layout.incoming()) if found.name.endswith("/upload.json")]:
            try:
                upload = Upload.model_validate_json(self.store.read(name))
                if upload.submit and not upload.is_job and self.find(upload.id, upload.owner).is_complete:
                    with upload_hold(self.ledger, upload.id) as hold:
                        self.make_job(hold, self.find(upload.id, upload.owner))
            except (RequestError, ObjectMissing, ValidationError) as error:
                log.debug("upload.no_job", object=name, error=str(error))

    def expires_at(self, arrived: Arrived) -> float:
        return arrived.touched_at + self.settings.upload_expiry_s

    def _check_size(self, size_bytes: int | None) -> None:
        limit = self.settings.max_upload_bytes
        if size_bytes is not None and size_bytes > limit:
            raise UploadTooLarge(f"The upload announces {size_bytes} bytes; at most {limit} are accepted.")

    def _arriving_audio(self, arrived: Arrived, announced: int | None) -> AbstractContextManager[ArrivingAudio | None]:
        """The audio of the job that the upload will be, where this request brings all of it and a copy takes long."""
        upload = arrived.upload
        size_bytes = upload.size_bytes or 0
        if not upload.submit or arrived.offset or announced != size_bytes or size_bytes <= PART_BYTES:
            return nullcontext()
        try:
            return ArrivingAudio(self.submissions, self.submissions.begin(upload.owner))
        except RequestError:  # too much is queued now; whether it still is counts once all has come
            return nullcontext()

    def _made(self, upload: Upload) -> Accepted | None:
        """The upload's job, if it was accepted, in the ledger for sure."""
        try:
            request = JobRequest.read(self.store.read(layout.job_record(upload.job_id)))
        except ObjectMissing:
            return None
        entered = self.ledger.create(request)
        self._used_up(upload)
        return Accepted(**request.model_dump(), deduplicated_from=entered.deduplicated_from)

    def _used_up(self, upload: Upload) -> None:
        """The bytes are the job's now."""
        if not upload.is_job:
            self._record(upload.model_copy(update={"is_job": True}))
        self.store.delete_all(layout.upload_parts(upload.id))

    def _record(self, upload: Upload) -> None:
        self.store.write(layout.upload_record(upload.id), [upload.model_dump_json().encode()], sync=True)

    def _arrived(self, upload: Upload, touched_at: float) -> Arrived:
        parts = []
        for found in self.store.list(layout.upload_parts(upload.id)):
            start, _, writer = found.name.rpartition("/")[2].partition("-")
            if "." not in writer:  # else it isn't whole yet
                parts.append(Part(found.name, int(start), int(start) + found.size_bytes))
                touched_at = max(touched_at, found.modified_at)
        return Arrived(upload, parts, touched_at)

    def _write(self, hold: Hold, upload: Upload, start: int, pieces: Iterable[bytes]) -> int:
        name = layout.upload_part(upload.id, start, hold.holder)
        return self.store.write(name, pieces, sync=True)

    def _bytes(self, arrived: Arrived) -> Iterator[bytes]:
        for part, start, stop in stretches(arrived.parts):
            yield from self.store.chunks(part.name, start - part.start, stop - part.start)
