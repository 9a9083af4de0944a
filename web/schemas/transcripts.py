"""How a transcript is asked for."""

from typing import Literal

from pydantic import BaseModel, Field

from jobs.script import Script

TranscriptFormat = Literal["json", "txt", "srt", "vtt", "tsv"]


class TranscriptQuery(BaseModel):
    format: TranscriptFormat = Field("json", description="json holds everything; the others are for people.")
    timestamps: bool = Field(False, description="txt only: paragraphs, each with the time at which it starts.")
    script: Script | None = Field(None, description="Chinese in another script than the transcript's own.")
    columns: int | None = Field(
        None, ge=20, le=200, description="srt and vtt: most columns of a line; a full-width character takes two."
    )
    lines: int | None = Field(None, ge=1, le=2, description="srt and vtt: most lines of a cue.")
