"""What goes over the wire, as models: OpenAPI is made of these, and queries are checked by them."""

from web.schemas.answer import Answer
from web.schemas.batches import (
    BatchCounts,
    BatchesQuery,
    BatchHead,
    BatchLinks,
    BatchPage,
    BatchQuery,
    BatchSubmission,
    BatchView,
    CustomId,
    ExportQuery,
    ItemPage,
    ItemsQuery,
    ItemView,
    UploadItem,
    UrlItem,
)
from web.schemas.errors import FieldError, ProblemKind, ProblemView, Trouble
from web.schemas.events import EVENT_ID, EndData, EventsQuery, ProgressData, SnapshotData, StateData, TextData
from web.schemas.jobs import LINKED, JobPage, JobQuery, JobView, Links, ListQuery, NoteName, NoteText
from web.schemas.models import ModelList, ModelView
from web.schemas.service import Alive, Check, Index, Readiness, ReadyQuery
from web.schemas.submissions import Submission, SubmissionQuery, UploadSubmission, UrlSubmission
from web.schemas.transcripts import TranscriptFormat, TranscriptQuery
from web.schemas.uploads import UploadView

__all__ = [
    "EVENT_ID",
    "LINKED",
    "Alive",
    "Answer",
    "BatchCounts",
    "BatchHead",
    "BatchLinks",
    "BatchPage",
    "BatchQuery",
    "BatchSubmission",
    "BatchView",
    "BatchesQuery",
    "Check",
    "CustomId",
    "EndData",
    "EventsQuery",
    "ExportQuery",
    "FieldError",
    "Index",
    "ItemPage",
    "ItemView",
    "ItemsQuery",
    "JobPage",
    "JobQuery",
    "JobView",
    "Links",
    "ListQuery",
    "ModelList",
    "ModelView",
    "NoteName",
    "NoteText",
    "ProblemKind",
    "ProblemView",
    "ProgressData",
    "Readiness",
    "ReadyQuery",
    "SnapshotData",
    "StateData",
    "Submission",
    "SubmissionQuery",
    "TextData",
    "TranscriptFormat",
    "TranscriptQuery",
    "Trouble",
    "UploadItem",
    "UploadSubmission",
    "UploadView",
    "UrlItem",
    "UrlSubmission",
]
