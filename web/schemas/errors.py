"""What an error looks like, of a request and of a job."""

from pydantic import BaseModel, Field

from web.schemas.answer import Answer


class Trouble(Answer):
    """Why a job failed, or what to know about its result."""

    type: str = Field(description="Stable name; docs/api.md lists all of them.", examples=["audio-unreadable"])
    title: str
    detail: str
    remedy: str = Field("", description="What to do about it.")


class ProblemKind(Answer):
    """A kind of error."""

    type: str
    title: str
    remedy: str


class FieldError(Answer):
    field: str
    message: str


class ProblemView(BaseModel):
    """RFC 9457."""

    type: str = Field(description="`/problems/` and the error's stable name.", examples=["/problems/job-not-found"])
    title: str
    status: int
    detail: str
    remedy: str = Field(description="What to do about it.")
    request_id: str = Field(description="Also in the X-Request-Id header and in the server's log.")
    errors: list[FieldError] = Field(default_factory=list, description="The fields at fault, where there are any.")
