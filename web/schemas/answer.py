"""What every answer is."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """What this service sends: every field is always there, defaults too, and OpenAPI says so."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)
