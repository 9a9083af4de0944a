"""Resumable uploads as clients see them."""

from pydantic import Field

from web.schemas.answer import Answer


class UploadView(Answer):
    """A resumable upload."""

    id: str
    filename: str
    size_bytes: int | None = Field(description="Of the whole file, as announced; null until it is.")
    offset: int = Field(description="Bytes that are here; the next one is to be sent from there on.")
    created_at: float
    expires_at: float = Field(description="When it is removed if nothing more comes.")
    job_id: str | None = Field(description="The job that was made of it.")
