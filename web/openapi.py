"""What the library can't see of the API: the streamed request body, the problem documents, the transcript's formats."""

from typing import Any

from apiflask import APIFlask
from pydantic import BaseModel

from jobs.transcript import Transcript
from web import problems
from web.schemas import ProblemView, Submission

DESCRIPTION = "Audio in, a transcript out, however long the audio. Submit a recording, poll the job, get the text."
TEMPLATE = "#/components/schemas/{model}"

_MEANINGS = {
    400: "The upload ended early, or the body isn't what its Content-Type says",
    404: "No such job",
    409: "There is no transcript: not yet, or for good",
    413: "Larger than this server accepts",
    415: "Not audio",
    422: "Fields that aren't valid",
    503: "Something this service needs is away; see Retry-After",
}


def errors(*statuses: int) -> dict[int | str, Any]:
    """The `responses` of a view that answers these statuses with a problem document."""
    schema = {"$ref": TEMPLATE.format(model="Problem")}
    return {
        status: {"description": _MEANINGS[status], "content": {problems.MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def register(app: APIFlask) -> None:
    app.spec_processor(_complete)


def _complete(spec: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(spec, str):  # only where SPEC_FORMAT says yaml
        raise TypeError("the spec is served as JSON")
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    _add(schemas, "Problem", ProblemView)
    _add(schemas, "Transcript", Transcript)
    submit = spec["paths"]["/v1/jobs"]["post"]
    properties = Submission.model_json_schema()["properties"]
    submit["parameters"] = [
        {"name": name, "in": "query", "schema": schema, "description": "For a raw body."}
        for name, schema in {"filename": {"type": "string"}, **properties}.items()
        if name != "metadata"
    ]
    submit["requestBody"] = {"required": True, "content": _bodies(properties)}
    submit["responses"]["202"]["content"] = {"application/json": {"schema": {"$ref": TEMPLATE.format(model="JobView")}}}
    return spec


def _bodies(properties: dict[str, Any]) -> dict[str, Any]:
    binary = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "required": ["file"], "properties": {"file": binary, **properties}}
    return {
        "multipart/form-data": {"schema": {**form, "additionalProperties": False}},
        "application/octet-stream": {"schema": {}},
        "audio/*": {"schema": {}},
    }


def _add(schemas: dict[str, Any], name: str, model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=TEMPLATE)
    schemas.update(schema.pop("$defs", {}))
    schemas[name] = schema
