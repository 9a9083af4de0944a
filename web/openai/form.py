"""The form of a request for a transcript: its fields checked, its file in the store, its model's alias resolved."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from flask import request
from pydantic import ValidationError

from jobs.errors import OptionsConflict
from jobs.job import JobOptions
from jobs.store import Stored
from web.openai.schemas import TranscriptionForm, TranslationForm
from web.problems import InvalidFields, WrongMediaType
from web.services import Services
from web.upload import Form, is_form, read_form, refuse_oversize

Task = Literal["transcribe", "translate"]
Fields = TypeVar("Fields", bound=TranslationForm)

#: notes on such a job
METADATA = {"endpoint": "openai"}


@dataclass(frozen=True, slots=True)
class Received(Generic[Fields]):
    fields: Fields
    stored: Stored
    filename: str


def received(front: Services, job_id: str, kind: type[Fields], task: Task) -> Received[Fields]:
    """The current request's form. Raises InvalidFields, and whatever its upload or its options are refused for."""
    if not is_form(request):
        raise WrongMediaType(f"The body is {request.mimetype or 'of no media type'}; send multipart/form-data.")
    refuse_oversize(request, front.settings.max_upload_bytes)

    def receive(form: Form[Stored], chunks: Iterator[bytes]) -> Stored:
        if "model" in form.fields:  # what is known is checked before ten gigabytes arrive
            check(front, options_of(front, _fields(kind, form), task))
        return front.submissions.receive(job_id, chunks)

    form: Form[Stored] = Form()
    try:
        read_form(request, form, receive)
        stored, fields = _file(form), _fields(kind, form)
        check(front, options_of(front, fields, task))
    except BaseException:
        if form.received is not None:
            front.submissions.discard(job_id)
        raise
    return Received(fields, stored, form.filename)


def options_of(front: Services, fields: TranslationForm, task: Task) -> JobOptions:
    """The job's options that these fields ask for."""
    words = isinstance(fields, TranscriptionForm) and "word" in fields.timestamp_granularities
    return JobOptions(
        model=front.settings.aliases.get(fields.model, fields.model) or front.settings.model,
        language=(fields.language if isinstance(fields, TranscriptionForm) else None) or None,
        task=task,
        timestamps="word" if words else "segment",
        metadata=METADATA,
        retention_s=front.settings.transcription_retention_s or None,
    )


def check(front: Services, options: JobOptions) -> None:
    """Raises UnknownModel, OptionsConflict."""
    front.submissions.check(options)
    if options.task == "translate":
        families = {spec.family for spec, _ in front.ledger.models() if spec.model == options.model}
        if families and "whisper" not in families:
            raise OptionsConflict(f"{options.model} doesn't translate; only Whisper does.")


def _file(form: Form[Stored]) -> Stored:
    if form.received is None:
        raise InvalidFields([{"field": "file", "message": "The form holds no file"}])
    return form.received


def _fields(kind: type[Fields], form: Form[Stored]) -> Fields:
    try:
        return kind.model_validate({**form.fields, **form.lists})
    except ValidationError as error:
        raise InvalidFields.of(error) from error
