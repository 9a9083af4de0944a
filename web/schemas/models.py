"""Models as clients see them, in OpenAI's shape and ours."""

from typing import Literal

from pydantic import Field

from web.schemas.answer import Answer


class ModelView(Answer):
    """A model that a worker has announced."""

    id: str = Field(description="Its name in a job's `model`.")
    object: Literal["model"] = "model"
    created: int = Field(0, description="Always 0; OpenAI's clients want the field.")
    owned_by: str = "tingxie"
    revision: str
    dtype: str
    family: str
    language: str
    workers: int = Field(description="Live workers that serve it now.")
    alias_of: str | None = Field(None, description="The model that an alias on OpenAI's paths stands for.")


class ModelList(Answer):
    object: Literal["list"] = "list"
    data: list[ModelView]
