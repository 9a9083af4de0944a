"""What a submission takes, in its several forms."""

from pydantic import Field

from jobs.job import JobOptions
from web.schemas.jobs import NoteName, NoteText


class Submission(JobOptions):
    """The fields of a submission, but for the file itself."""


class SubmissionQuery(Submission):
    """The same in the query; a form's own fields go before. Short enough for a request line, in any script."""

    metadata: dict[NoteName, NoteText] = Field(
        default_factory=dict,
        max_length=4,
        description="Your own notes, `metadata[name]=text`; at most 4 of 100 characters here, a form takes more.",
    )
    filename: str = Field("", max_length=255, description="The file's name, for a raw body.")


class UrlSubmission(Submission):
    """A submission by URL: a worker fetches the recording."""

    url: str = Field(
        max_length=2048,
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f-\xa0]+$",
        description="Where the recording is; http or https, with no user name or password in it.",
        examples=["https://example.com/talk.mp3"],
    )
    filename: str = Field("", max_length=1000, description="Its name; by default the URL's last part.")


class UploadSubmission(Submission):
    """A submission whose file is here already."""

    upload_id: str = Field(max_length=64, description="A complete upload, by its id.")
    filename: str = Field("", max_length=1000, description="The file's name; the upload's own by default.")
