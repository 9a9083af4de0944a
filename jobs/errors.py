"""The one error hierarchy of the service.

    TingxieError
    ├── JobError              the job's audio or options are at fault: the job fails with it
    ├── RequestError          one request is at fault: answered 4xx
    │   ├── JobNotFound
    │   ├── InvalidRequest
    │   └── UploadTooLarge
    ├── Unavailable           Redis or the store is away: answered 503, retried by workers
    │   ├── NewerVersion      a record that a newer version wrote: left to those that know it
    │   ├── LedgerUnavailable
    │   └── StoreUnavailable  with StoreFull and StoreRefused
    ├── ObjectMissing         an object that should be in the store is not
    │   └── ObjectCorrupt     it is there, but it isn't what was written
    ├── ModelRefused          a model can't be served: named at start-up
    └── SetupError            this machine isn't ready: one line for the operator, non-zero exit

Every error tells what happened (`title`), to which input (`detail`), and what to do (`remedy`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import ClassVar


class TingxieError(Exception):
    """Base of every error that this project raises on purpose.

    `type` is the stable name that clients and log searches rely on; it never changes once released.
    """

    type: ClassVar[str] = "internal-error"
    title: ClassVar[str] = "Something went wrong on our side"
    remedy: ClassVar[str] = "Try again; if it happens again, give the job id to your operator."

    def __init__(self, detail: str = "", *, remedy: str | None = None) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        if remedy is not None:
            self.remedy = remedy  # type: ignore[misc]  # one instance may know better than its class


@dataclass(frozen=True, slots=True)
class Problem:
    """An error as a job's record keeps it and as a client reads it (RFC 9457 members, without the base URL)."""

    type: str
    title: str
    detail: str
    remedy: str = ""

    @classmethod
    def of(cls, error: TingxieError) -> "Problem":
        return cls(error.type, error.title, error.detail, error.remedy)

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


class JobError(TingxieError):
    """The job can't succeed, whoever runs it: it becomes `failed` with this error. Never retried."""

    type = "job-failed"
    title = "The job failed"


class AudioEmpty(JobError):
    type = "audio-empty"
    title = "The file holds no sound"
    remedy = "Check the recording and upload it again."


class AudioUnreadable(JobError):
    type = "audio-unreadable"
    title = "The file can't be decoded as audio"
    remedy = "Upload WAV, FLAC, OGG, Opus, MP3, AIFF, M4A, MP4, WebM or AMR; convert other formats first."


class AudioNotFinite(JobError):
    type = "audio-not-finite"
    title = "The audio holds samples that are not numbers"
    remedy = "Export the recording again; its floating-point samples hold NaN or infinity."


class AudioTooLong(JobError):
    type = "audio-too-long"
    title = "The audio is longer than this server accepts"
    remedy = "Split the recording, or ask the operator to raise TINGXIE_MAX_DURATION_S."


class AudioTooManyChannels(JobError):
    type = "audio-too-many-channels"
    title = "The audio has more channels than this server accepts"
    remedy = "Mix the recording down to 8 channels or fewer."


class AudioTooHeavy(JobError):
    type = "audio-too-heavy"
    title = "Decoding this file needs more memory than this server allows"
    remedy = "Convert it to WAV or FLAC and upload it again."


class FetchRefused(JobError):
    """The address is not one that this server goes to; the detail names the host and the reason."""

    type = "fetch-refused"
    title = "This server doesn't go to that URL"
    remedy = "Give a public http or https URL, or ask the operator to add its host to TINGXIE_ALLOWED_HOSTS."


class FetchNotFound(JobError):
    type = "fetch-not-found"
    title = "There is nothing at that URL"
    remedy = "Check the URL, and submit it again."


class FetchDenied(JobError):
    type = "fetch-denied"
    title = "The URL's server doesn't give the file to this one"
    remedy = "Make the file public, or give a URL that holds its own permission (a signed one) and hasn't expired."


class FetchNotAudio(JobError):
    type = "fetch-not-audio"
    title = "What the URL gives isn't audio"
    remedy = "Give the URL of the audio file itself, not of a page that plays it."


class FetchTooLarge(JobError):
    type = "fetch-too-large"
    title = "The file at that URL is larger than this server accepts"
    remedy = "Compress the file (Opus or FLAC), or ask the operator to raise TINGXIE_MAX_UPLOAD_BYTES."


class FetchFailed(JobError):
    type = "fetch-failed"
    title = "The file could not be fetched from that URL"
    remedy = "Check that the URL works from elsewhere and submit it again, or upload the file."


class WindowTooShort(JobError):
    type = "window-too-short"
    title = "The context leaves too little of each window"
    remedy = "Choose a longer window_s or a shorter context_s."


class SilenceUnknown(JobError):
    type = "silence-unknown"
    title = "This server can't tell silence from speech"
    remedy = "Submit it with skip_silence false, or ask the operator to install tingxie's worker extra as a whole."


class AudioGone(JobError):
    type = "audio-gone"
    title = "The uploaded audio is no longer in the store"
    remedy = "Upload the file again."


class WindowGone(JobError):
    type = "window-gone"
    title = "A piece of this job's audio vanished from the store again and again"
    remedy = "Upload the file again; if it happens again, tell your operator: prepare and transcribe share no store."


class AudioNotCovered(JobError):
    """The ledger's windows leave a gap: an error of ours that must never become a transcript with a hole."""

    type = "audio-not-covered"
    title = "The windows of this job don't cover its audio"
    remedy = "Submit the file again, and give the job id to your operator."


class LanguageUnknown(JobError):
    type = "language-unknown"
    title = "The model doesn't know this language"
    remedy = "Leave the language out, or choose one that the model knows."


class TimestampsUnknown(JobError):
    type = "timestamps-unknown"
    title = "The model can't give these timestamps"
    remedy = "Ask for segment timestamps, or for none."


class PrepareCrashed(JobError):
    type = "prepare-crashed"
    title = "Decoding this file ended its process several times"
    remedy = "The file is probably damaged: convert it to WAV or FLAC and upload it again."


class WindowCrashed(JobError):
    type = "window-crashed"
    title = "Transcribing one stretch of this file ended its process several times"
    remedy = "Give the job id to your operator: the log names the window."


class FinishCrashed(JobError):
    type = "finish-crashed"
    title = "Writing the transcript ended its process several times"
    remedy = "Give the job id to your operator."


class ModelNotServed(JobError):
    type = "model-not-served"
    title = "No worker serves the model that this job asks for"
    remedy = "Choose one of the served models, or start a worker for this one."


class RequestError(TingxieError):
    """One request is at fault; nothing was changed."""

    type = "invalid-request"
    title = "The request can't be accepted"
    remedy = "Correct the request and send it again."
    status: ClassVar[int] = 400
    #: of the answer, where the error asks for some
    headers: Mapping[str, str] = MappingProxyType({})


class InvalidRequest(RequestError):
    status = 422


class UploadEmpty(RequestError):
    type = "upload-empty"
    title = "The upload holds no bytes"
    remedy = "Choose a file that isn't empty."
    status = 422


class UnsupportedFormat(RequestError):
    type = "unsupported-format"
    title = "The file isn't audio that this server reads"
    remedy = "Upload WAV, FLAC, OGG, Opus, MP3, AIFF, M4A, MP4, WebM or AMR."
    status = 415


class UploadTooLarge(RequestError):
    type = "upload-too-large"
    title = "The upload is larger than this server accepts"
    remedy = "Compress the file (Opus or FLAC), or ask the operator to raise TINGXIE_MAX_UPLOAD_BYTES."
    status = 413


class UrlRefused(RequestError):
    """Nothing was sent. The detail names the host and the reason."""

    type = "url-refused"
    title = "This server doesn't go to that URL"
    remedy = "Give a public http or https URL, or ask the operator to add its host to TINGXIE_ALLOWED_HOSTS."
    status = 403


class UploadNotFound(RequestError):
    type = "upload-not-found"
    title = "There is no such upload"
    remedy = "Begin a new one with POST /v1/uploads; one that rests too long is removed."
    status = 404


class UploadLocked(RequestError):
    type = "upload-locked"
    title = "Another request is working on this upload"
    remedy = "Wait a few seconds, ask for the offset, and go on from there."
    status = 423


class UploadOffsetMismatch(RequestError):
    type = "upload-offset-mismatch"
    title = "The bytes don't follow those that are here"
    remedy = "Ask for the offset with HEAD and go on from there."
    status = 409


class UploadLengthMismatch(RequestError):
    type = "upload-length-mismatch"
    title = "The length announced now isn't the upload's"
    remedy = "Ask with HEAD what is known of the upload; for another length begin a new one."
    status = 409


class UploadChecksumMismatch(RequestError):
    type = "upload-checksum-mismatch"
    title = "The bytes aren't those that were sent"
    remedy = "Send them again; nothing of them was kept."
    status = 460  # tus 1.0: Checksum Mismatch


class UploadIncomplete(RequestError):
    type = "upload-incomplete"
    title = "The upload isn't complete"
    remedy = "Send the rest of it first."
    status = 409


class UploadUsed(RequestError):
    type = "upload-used"
    title = "The upload has become another job already"
    remedy = "Use that job, or upload the file again."
    status = 409


class BatchNotFound(RequestError):
    type = "batch-not-found"
    title = "There is no such batch"
    remedy = "Check the id; a deleted batch is gone for good."
    status = 404


class JobNotFound(RequestError):
    type = "job-not-found"
    title = "There is no such job"
    remedy = "Check the id; a deleted job is gone for good."
    status = 404


class TooMuchQueued(RequestError):
    type = "too-much-queued"
    title = "Too much of your audio is waiting already"
    remedy = "Submit it again when some of your jobs have begun, or ask the operator to raise TINGXIE_OWNER_QUEUED_S."
    status = 429
    headers = MappingProxyType({"Retry-After": "60"})


class QuotaUsedUp(TooMuchQueued):
    type = "quota-used-up"
    title = "Your hours of audio are used up"
    remedy = "Wait as long as Retry-After says, or ask the operator for more."

    def __init__(self, detail: str = "", *, retry_after_s: int = 60) -> None:
        super().__init__(detail)
        self.headers = {"Retry-After": str(retry_after_s)}  # type: ignore[assignment]


class DeliveryNotFound(RequestError):
    type = "delivery-not-found"
    title = "There is no such webhook delivery"
    remedy = "Check the id; deliveries are kept for a week after they have ended."
    status = 404


class SecretNotFound(RequestError):
    type = "secret-not-found"
    title = "There is no such webhook secret"
    remedy = "GET /v1/webhooks/secrets lists those in force."
    status = 404


class SecretMissing(RequestError):
    type = "webhook-secret-missing"
    title = "There is no secret to sign webhooks with"
    remedy = "Make one first: POST /v1/webhooks/secrets."
    status = 409


class TranscriptNotReady(RequestError):
    type = "transcript-not-ready"
    title = "The transcript isn't there yet"
    remedy = "Poll the job until its state is succeeded."
    status = 409


class WaveformNotReady(RequestError):
    type = "waveform-not-ready"
    title = "The waveform isn't there yet"
    remedy = "Ask again when the recording has been decoded; at the job's end at the latest."
    status = 409


class WaveformNotFound(RequestError):
    type = "waveform-not-found"
    title = "There is no waveform of this recording"
    remedy = "An older version of this service transcribed it; submit it again if you want one."
    status = 404


class JobCancelled(RequestError):
    type = "job-cancelled"
    title = "The job was cancelled"
    remedy = "Submit the file again."
    status = 409


class NotRetriable(RequestError):
    type = "not-retriable"
    title = "Only a job that failed or was cancelled can be tried again"
    remedy = "Wait until it has ended; to transcribe the audio with other options, submit it again."
    status = 409


class UnknownModel(RequestError):
    type = "unknown-model"
    title = "No worker serves this model"
    remedy = "GET /v1/models lists the served ones."
    status = 409


class OptionsConflict(RequestError):
    """Each option is valid; together, or with this model, they aren't."""

    type = "options-conflict"
    title = "These options don't go together"
    remedy = "Choose a longer window_s or a shorter context_s, within what the model reads; or leave both out."
    status = 409


class Unavailable(TingxieError):
    """Something this service needs is away for the moment; the same call may work later."""

    type = "unavailable"
    title = "The service is not available at the moment"
    remedy = "Try again in a few seconds; nothing that was accepted is lost."
    retry_after_s: ClassVar[int] = 5


class NewerVersion(Unavailable):
    """An upgrade is under way: another process of the service can do what this one can't."""

    type = "newer-version"
    title = "A newer version of the service wrote this"
    remedy = "Try again; the operator must upgrade the rest of the service."


class LedgerUnavailable(Unavailable):
    type = "ledger-unavailable"
    title = "The job ledger can't be reached at the moment"


class StoreUnavailable(Unavailable):
    type = "store-unavailable"
    title = "The audio store can't be used at the moment"


class StoreFull(StoreUnavailable):
    type = "store-full"
    title = "The audio store is full"
    remedy = "Try again later; the operator must free space or set a shorter retention."
    retry_after_s = 60


class StoreRefused(StoreUnavailable):
    """A person must mend this; meanwhile it is as if the store were away."""

    type = "store-refused"
    title = "The audio store refuses this server"
    remedy = "Try again later; the operator must correct the store's address, credentials or permissions."
    retry_after_s = 60


class ObjectMissing(TingxieError):
    """An object named in the ledger isn't in the store."""

    type = "object-missing"
    title = "An object is missing from the audio store"


class ObjectCorrupt(ObjectMissing):
    """An object's bytes aren't those that were written; like a missing one, it must be written again."""

    type = "object-corrupt"
    title = "An object in the audio store is damaged"


class ModelRefused(TingxieError):
    type = "model-refused"
    title = "This model can't be served"
    remedy = "docs/models.md names what is served and why."


class SetupError(TingxieError):
    """This machine isn't ready to run the service: printed as one line, exit status 1."""

    type = "setup-error"
    title = "This machine isn't ready"
    remedy = "Run `tingxie doctor`."
