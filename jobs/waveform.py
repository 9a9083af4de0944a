"""The waveform that players draw: what prepare writes to the store while it decodes, and clients get."""

from pydantic import BaseModel, ConfigDict, Field


class Waveform(BaseModel):
    """Of as many peaks whatever the length, so that ten hours open as fast as ten seconds."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [{"duration_s": 0.05, "step_s": 0.01, "peak": 0.5, "channels": [[0, 12, 255, 97, 31]]}]
        },
    )

    duration_s: float
    step_s: float = Field(description="Seconds that each number stands for; the last one may be shorter.")
    peak: float = Field(description="The loudest sample of all, of a full scale of 1.")
    channels: list[list[int]] = Field(
        description="The loudest sample of each step, 0 to 255 for 0 to `peak`: one row, or one for each channel that "
        "was transcribed apart."
    )
