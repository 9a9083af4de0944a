"""/v1/audio/transcriptions and /v1/audio/translations: a recording in, its transcript out, in one request."""

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel

from jobs.errors import (
    InvalidRequest,
    JobCancelled,
    JobError,
    JobNotFound,
    LedgerUnavailable,
    OptionsConflict,
    Problem,
    QuotaUsedUp,
    StoreFull,
    StoreUnavailable,
    TooMuchQueued,
    Unavailable,
    UnknownModel,
    UnsupportedFormat,
    UploadEmpty,
    UploadTooLarge,
)
from jobs.job import Job, State
from jobs.ledger import Happened
from jobs.store import layout
from web.auth import KeyRequired, KeyUnknown, ScopeMissing
from web.events import sent
from web.following import HEADERS, HEARTBEAT, MEDIA_TYPE, Following
from web.formats.document import split
from web.idempotency import idempotent, settle
from web.openai.answers import rendered
from web.openai.attendance import Attendance, join
from web.openai.failures import failed_job, failures, fault, register
from web.openai.form import Fields, Received, Task, options_of, received
from web.openai.schemas import (
    Failure,
    TextDelta,
    TextDone,
    Transcription,
    TranscriptionForm,
    TranslationForm,
    VerboseTranscription,
)
from web.openapi import JSON, MULTIPART, TEXT, answer, event, form, one_of, takes
from web.problems import InvalidFields, WrongMediaType, error_kinds
from web.services import Services, services
from web.upload import UploadInterrupted
from web.waiting import TooManyHeld, is_gone

blueprint = APIBlueprint("openai", __name__, url_prefix="/v1/audio", tag="OpenAI")
register(blueprint)


class TranscriptAwaited(Unavailable):
    type = "transcript-awaited"
    title = "The transcript isn't there yet"
    remedy = "Send the same request again: it joins the job, which goes on."
    retry_after_s = 1


KINDS: Mapping[str, type[BaseModel]] = {
    "transcript.text.delta": TextDelta,
    "transcript.text.done": TextDone,
    "error": Failure,
}
JSON_FORMATS = {"json", "verbose_json"}
Render = Callable[[Happened, Following], bytes]

BODIES = {JSON: one_of(Transcription, VerboseTranscription), "text/plain": TEXT}
FAILURES = failures(
    InvalidRequest,
    InvalidFields,
    WrongMediaType,
    UploadInterrupted,
    UploadEmpty,
    UnsupportedFormat,
    UploadTooLarge,
    KeyRequired,
    KeyUnknown,
    ScopeMissing,
    UnknownModel,
    OptionsConflict,
    JobCancelled,
    *error_kinds(JobError),
    TooMuchQueued,
    QuotaUsedUp,
    TooManyHeld,
    TranscriptAwaited,
    LedgerUnavailable,
    StoreUnavailable,
    StoreFull,
)


@blueprint.post("/transcriptions")
@idempotent(streamed=True)
@blueprint.doc(
    operation_id="createTranscription",
    responses={200: answer("The transcript", {**BODIES, MEDIA_TYPE: event(KINDS)}), **FAILURES},
    extensions=takes({MULTIPART: form(TranscriptionForm, "file")}, parts={"file": "audio/*"}),
)
def create_transcription() -> Response:
    """Transcribe a recording, as OpenAI's API does

    The answer is held until the transcript is there. The same request again joins the job that runs.
    """
    front = services()
    with ExitStack() as held:
        held.callback(front.waits.hold())
        asked, attendance = _asked(front, TranscriptionForm, "transcribe")
        if asked.fields.stream:
            return _followed(front, attendance, held, MEDIA_TYPE, _events)
        return _answered(front, asked.fields, attendance, held)


@blueprint.post("/translations")
@idempotent(streamed=True)
@blueprint.doc(
    operation_id="createTranslation",
    responses={200: answer("The translation", BODIES), **FAILURES},
    extensions=takes({MULTIPART: form(TranslationForm, "file")}, parts={"file": "audio/*"}),
)
def create_translation() -> Response:
    """Translate a recording into English, as OpenAI's API does

    Only Whisper translates.
    """
    front = services()
    with ExitStack() as held:
        held.callback(front.waits.hold())
        asked, attendance = _asked(front, TranslationForm, "translate")
        return _answered(front, asked.fields, attendance, held)


def _asked(front: Services, kind: type[Fields], task: Task) -> tuple[Received[Fields], Attendance]:
    job_id = front.submissions.begin()
    asked = received(front, job_id, kind, task)
    try:
        settle(asked.stored.sha256, asked.fields.model_dump_json(), creates=job_id)
    except BaseException:
        front.submissions.discard(job_id)
        raise
    return asked, join(front, job_id, asked.stored, asked.filename, options_of(front, asked.fields, task))


def _answered(front: Services, fields: TranslationForm, attendance: Attendance, held: ExitStack) -> Response:
    """`held` is the request's until the answer has been sent."""
    is_json = fields.response_format in JSON_FORMATS
    settings = front.settings
    job = _waited(front, attendance, settings.transcription_silence_s if is_json else settings.transcription_s)
    if job.state is State.FAILED and job.error:
        return failed_job(job.error)
    if job.state is State.CANCELLED:
        raise JobCancelled
    if job.state is State.SUCCEEDED:
        return rendered(front.store.read(layout.transcript(job.id)), fields, front.settings)
    if is_json and not is_gone(request) and not front.waits.news.stopping:
        return _followed(front, attendance, held, JSON, lambda happened, _: _spaced(front, job.id, fields, happened))
    attendance.leave()
    raise TranscriptAwaited


def _waited(front: Services, attendance: Attendance, wait_s: float) -> Job:
    """The job once it has ended, the client has gone, web drains or the time is up."""

    def settled(job: Job) -> bool:
        attendance.renew()
        return job.state.is_terminal or is_gone(request)

    job_id = attendance.job_id
    try:
        return front.waits.watched(job_id, settled, lambda: front.ledger.job(job_id), wait_s)
    except JobNotFound as error:
        raise JobCancelled("The job was deleted.") from error
    except LedgerUnavailable:
        attendance.leave()
        raise


def _spaced(front: Services, job_id: str, fields: TranslationForm, happened: Happened) -> bytes:
    """A space, with which JSON may begin, as a sign of life; the answer itself once it is there.

    A failure can't be told any more. The connection is cut, and the client's next attempt is told.
    """
    if not happened.has_ended:
        return b" "
    if front.ledger.job(job_id).state is not State.SUCCEEDED:
        raise BrokenPipeError(errno.EPIPE, "the job has failed")
    return rendered(front.store.read(layout.transcript(job_id)), fields, front.settings).get_data()


def _followed(front: Services, attendance: Attendance, held: ExitStack, media_type: str, render: Render) -> Response:
    watch = held.enter_context(front.waits.news.watch(attendance.job_id))
    happened = front.ledger.happened(attendance.job_id)
    following = Following.begin(front, attendance.job_id, watch, front.settings.transcription_s)
    told = _told(following, happened, attendance, render)
    response = Response(told, headers=HEADERS, content_type=media_type)
    response.call_on_close(held.pop_all().close)
    return response


def _told(following: Following, first: Happened, attendance: Attendance, render: Render) -> Iterator[bytes]:
    has_ended = False
    try:
        for happened in following.happenings(first):
            has_ended = happened.has_ended
            yield render(happened, following)
            attendance.renew()
        if not has_ended:  # an answer that looks whole would be taken for one
            raise BrokenPipeError(errno.EPIPE, "the transcript isn't there yet")
    finally:
        if not has_ended:
            attendance.leave()


def _events(happened: Happened, following: Following) -> bytes:
    return b"".join(_rendered(happened, following)) or HEARTBEAT


def _rendered(happened: Happened, following: Following) -> Iterator[bytes]:
    if snapshot := happened.snapshot:
        if not snapshot.job.state.is_terminal:
            yield _sent("transcript.text.delta", TextDelta(delta=snapshot.text))
            return
        yield _end(snapshot.job.state, snapshot.job.error, following)
    for each in happened.events:
        if "text" in each.changes:
            yield _sent("transcript.text.delta", TextDelta(delta=each.changes["text"]))
        elif each.ends_the_job or happened.is_over:
            yield _end(each.changes["state"], each.changes.get("error"), following)


def _end(state: str, error: Mapping[str, str] | None, following: Following) -> bytes:
    if state != State.SUCCEEDED:
        return _failed(Problem(**error) if error else Problem.of(JobCancelled()))
    transcript, _, _ = split(following.front.store.read(layout.transcript(following.job_id)))
    return _sent("transcript.text.done", TextDone(text=transcript.text))


def _failed(shown: Problem) -> bytes:
    return _sent("error", fault(shown, 409, code=shown.type))


def _sent(kind: str, data: BaseModel) -> bytes:
    return sent(kind, data.model_dump())
