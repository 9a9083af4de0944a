"""OpenAPI 3.1, made from the views. Each view says for itself what it takes and answers; nothing is patched in here.

    @blueprint.post("/<thing_id>/sing")
    @blueprint.input(SongQuery, location="query")        # a pydantic model; `json` likewise (web.validation)
    @blueprint.output(SongView, 202)                     # a JSON answer: a schemas.Answer, or a Response of that shape
    @blueprint.doc(
        operation_id="sing",                             # always; clients are generated from it
        responses={**errors(404, 503, SongTooLong), 303: answer("Sung already", headers={"Location": TEXT})},
        extensions=takes({"audio/*": BINARY}, headers={"Prefer": "wait=N: hold the answer"}),  # a body that is streamed
    )
    def sing(thing_id: str, query_data: SongQuery) -> Response:
        \"\"\"One line: the summary

        The rest is the description.
        \"\"\"

`errors` takes statuses (the usual problems with each) and error classes (their status, and an example of each).
`answer` and `takes` take, for each media type, a model (it becomes a component) or a schema: SSE is
`{"text/event-stream": event({"begun": Begun, "ended": Ended})}`. No schema is free-form. Examples stand in the models:
`Field(examples=[…])`.
Security schemes go into SECURITY_SCHEMES; every operation wants them, but for those with `extensions=takes(open=True)`.
A HEAD that isn't a GET's is described by `takes(head=operation(…))` of another view on the same path.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask
from apiflask.schema_adapters import registry
from pydantic import BaseModel

from jobs.errors import LedgerUnavailable, NewerVersion, Problem, StoreRefused, StoreUnavailable, TingxieError
from web import problems
from web.refusals import MalformedRequest, UriTooLong
from web.schemas import ProblemView
from web.validation import TEMPLATE, Adapter

registry.register("pydantic", Adapter)  # before any view is decorated: they all import this module

DESCRIPTION = "Audio in, a transcript out, however long the audio. Submit a recording, poll the job, get the text."

TEXT: Mapping[str, Any] = {"type": "string"}
NUMBER: Mapping[str, Any] = {"type": "integer", "minimum": 0}
BINARY: Mapping[str, Any] = {"type": "string", "format": "binary"}

Schema = type[BaseModel] | Mapping[str, Any]
#: name → OpenAPI security scheme
SECURITY_SCHEMES: dict[str, Any] = {}
#: of an operation that web.idempotency makes repeatable: the extension that says so, its header, its errors
IDEMPOTENT = "x-idempotent"
IDEMPOTENCY: tuple[str, Mapping[str, Any]] = (
    "Idempotency-Key",
    {
        "description": "Sent again with the same one, the request creates nothing twice.",
        "schema": {"type": "string", "pattern": r'^("[ -~]{1,255}"|[!#-~]([ -~]{0,253}[!#-~])?)$'},
    },
)
IDEMPOTENCY_ERRORS: list[type[TingxieError]] = []
#: what any operation may answer besides what it says itself; those that are open to all don't
EVERYWHERE: list[int | type[TingxieError]] = []

_USUAL: Mapping[int, Sequence[type[TingxieError]]] = {
    400: (problems.MalformedBody,),
    413: (problems.BodyTooLarge,),
    415: (problems.WrongMediaType,),
    422: (problems.InvalidFields,),
    503: (LedgerUnavailable, StoreUnavailable, StoreRefused, NewerVersion),
}
MULTIPART = "multipart/form-data"
JSON = "application/json"
_MODEL = "x-model"
_BODY, _STREAMS, _PATH, _HEADERS = "x-body", "x-streams", "x-path", "x-headers"
_HEAD, _OPEN = "x-head", "x-open"
#: the path parameters that many routes have
_PATHS: Mapping[str, Mapping[str, Any]] = {"job_id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}}


def errors(*kinds: int | type[TingxieError]) -> dict[int | str, Any]:
    """The `responses` of a view that answers with these problems."""
    found: dict[int, dict[str, type[TingxieError]]] = {}
    for kind in kinds:
        each = _USUAL.get(kind, ()) if isinstance(kind, int) else (kind,)
        status = kind if isinstance(kind, int) else problems.status_of(kind)
        found.setdefault(status, {}).update({error.type: error for error in each})
    return {status: _problems(status, list(known.values())) for status, known in found.items()}


def _problems(status: int, kinds: Sequence[type[TingxieError]]) -> dict[str, Any]:
    described = answer(
        "; ".join(dict.fromkeys(kind.title for kind in kinds)) or HTTPStatus(status).phrase,
        {problems.MEDIA_TYPE: ProblemView},
        headers={"Retry-After": NUMBER} if status in (409, 429, 503) else {},
    )
    described["content"][problems.MEDIA_TYPE]["examples"] = {
        kind.type: {"summary": kind.title, "value": _example(kind, status)} for kind in kinds
    }
    return described


def _example(kind: type[TingxieError], status: int) -> dict[str, Any]:
    shown = Problem(kind.type, kind.title, kind.title, kind.remedy)
    fields = [{"field": "limit", "message": "Input should be greater than or equal to 1"}]
    return problems.document(shown, status, fields if kind is problems.InvalidFields else (), "f2a1c09be4d35a77")


def answer(
    description: str, content: Mapping[str, Schema] | None = None, *, headers: Mapping[str, Schema] | None = None
) -> dict[str, Any]:
    """One of a view's `responses`."""
    return {
        "description": description,
        "content": {media_type: {"schema": _placed(schema)} for media_type, schema in (content or {}).items()},
        "headers": {name: {"schema": _placed(schema)} for name, schema in (headers or {}).items()},
    }


def event(kinds: Mapping[str, type[BaseModel]]) -> dict[str, Any]:
    """The schema of each event of a stream: kind → what its data holds."""
    content = {"anyOf": [_placed(model) for model in kinds.values()]}
    fields = {
        "event": {"enum": [*kinds]},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": content},
        "id": TEXT,
        "retry": NUMBER,
    }
    return {"type": "object", "required": ["event", "data"], "properties": fields, "additionalProperties": False}


def takes(
    body: Mapping[str, Schema] | None = None,
    *,
    parts: Mapping[str, str] | None = None,
    path: Mapping[str, Mapping[str, Any]] | None = None,
    headers: Mapping[str, str | Mapping[str, Any]] | None = None,
    head: Mapping[str, Any] | None = None,
    open: bool = False,  # noqa: A002 (reads best)
    streams: bool = False,
) -> dict[str, Any]:
    """A view's `extensions`: the body that it reads by itself, and the request headers that it minds.

    `parts` names the media types of a form's files, `path` gives schemas to the path's parameters. A header is told by
    its description, or by a whole parameter where more is to be said (`required`, `schema`). With `streams` it reads a
    body that isn't described, of any length.
    """
    said: dict[str, Any] = ({_OPEN: True} if open else {}) | ({_STREAMS: True} if streams else {})
    if body:
        content = {media_type: {"schema": _placed(schema)} for media_type, schema in body.items()}
        if parts and MULTIPART in content:
            content[MULTIPART]["encoding"] = {name: {"contentType": types} for name, types in parts.items()}
        said[_BODY] = {"required": True, "content": content}
    if path:
        said[_PATH] = dict(path)
    if headers:
        said[_HEADERS] = [_header(name, about) for name, about in headers.items()]
    return said | ({_HEAD: dict(head)} if head else {})


def form(model: type[BaseModel], *files: str) -> dict[str, Any]:
    """The schema of a multipart form: a model's fields, and files that it must hold."""
    schema = Adapter(model).get_openapi_schema()
    fields = {name: without_null(field) for name, field in schema["properties"].items()}
    required = [*files, *schema.get("required", [])]
    properties = {**{name: dict(BINARY) for name in files}, **fields}
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def one_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The schema of a body that is one of these models."""
    return {"oneOf": [_placed(model) for model in models]}


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same, for where null can't be said: queries, headers and forms."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name != "default" or value is not None}
    if len(kinds) != 1:
        return kept
    return {**kinds[0], **{name: value for name, value in kept.items() if name != "anyOf"}}


def operation(
    operation_id: str,
    summary: str,
    responses: Mapping[int | str, Any],
    *,
    tag: str,
    headers: Mapping[str, str | Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """An operation that no decorator can describe, for `takes(head=…)`; it has the parameters of its path."""
    told = {str(status): response for status, response in responses.items()}
    return {"operationId": operation_id, "summary": summary, "tags": [tag], "responses": told, **takes(headers=headers)}


def _header(name: str, about: str | Mapping[str, Any]) -> dict[str, Any]:
    more = {"description": about} if isinstance(about, str) else about
    return {"name": name, "in": "header", "required": False, "schema": TEXT, **more}


def _placed(schema: Schema) -> dict[str, Any]:
    return {_MODEL: schema} if isinstance(schema, type) else dict(schema)


def reads_body(view: Callable[..., Any]) -> bool:
    """Whether a view says that it does; it, or what it calls, minds the length then."""
    said = getattr(view, "_spec", {})
    return bool(said.get("body") or {_BODY, _STREAMS} & set(said.get("extensions") or ()))


def register(app: APIFlask) -> None:
    app.config["SECURITY_SCHEMES"] = SECURITY_SCHEMES
    app.spec_processor(_complete)


def _complete(spec: dict[str, Any] | str) -> dict[str, Any]:
    if isinstance(spec, str):  # only where SPEC_FORMAT says yaml
        raise TypeError("the spec is served as JSON")
    spec["tags"] = list({tag["name"]: tag for tag in spec["tags"]}.values())  # blueprints may share one
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    if SECURITY_SCHEMES:
        spec["security"] = [*({name: []} for name in SECURITY_SCHEMES), {}]  # none, where a server has no keys
    for path in spec["paths"].values():
        for described in list(path.values()):
            if head := described.pop(_HEAD, None):
                path["head"] = {
                    **head,
                    "parameters": [each for each in described["parameters"] if each["in"] == "path"],
                }
        for described in path.values():
            _finish(described)
    for model in list(_models(spec)):
        schema = model.pop(_MODEL)
        model["$ref"] = TEMPLATE.format(model=schema.__name__)
        described = Adapter(schema).get_openapi_schema()
        schemas.update(described.pop("$defs", {}))
        schemas[schema.__name__] = described
    _unnest(schemas)
    return spec


def _finish(described: dict[str, Any]) -> None:
    """Put what extensions say in its place."""
    described.pop(_STREAMS, None)
    if body := described.pop(_BODY, described.get("requestBody")):
        described["requestBody"] = {"required": True, **body}
    parameters = described.setdefault("parameters", [])
    parameters += described.pop(_HEADERS, [])
    paths = {**_PATHS, **described.pop(_PATH, {})}
    for parameter in parameters:
        told = paths.get(parameter["name"]) if parameter["in"] == "path" else None
        schema = parameter["schema"] = without_null(told or parameter["schema"])
        if parameter["in"] == "query" and schema.get("type") == "object":
            parameter |= {"style": "deepObject", "explode": True}
        if description := schema.pop("description", None):
            parameter.setdefault("description", description)
    responses = described["responses"]
    _add_problems(responses, MalformedRequest, UriTooLong)
    if described.pop(IDEMPOTENT, False):
        parameters.append(_header(*IDEMPOTENCY))
        _add_problems(responses, *IDEMPOTENCY_ERRORS)
    if described.pop(_OPEN, False):
        described["security"] = []
    else:
        for status, usual in errors(*EVERYWHERE).items():
            responses.setdefault(str(status), usual)
    for response in responses.values():
        response.setdefault("headers", {})["X-Request-Id"] = {"schema": TEXT, "required": True}
        if not response.get("content"):
            response.pop("content", None)


def _add_problems(responses: dict[str, Any], *kinds: type[TingxieError]) -> None:
    for status, usual in errors(*kinds).items():
        own = responses.setdefault(str(status), usual).setdefault("content", {})
        told = own.setdefault(problems.MEDIA_TYPE, usual["content"][problems.MEDIA_TYPE])
        told["examples"] |= usual["content"][problems.MEDIA_TYPE]["examples"]


def _models(node: Any) -> Iterator[dict[str, Any]]:
    """Every place below a node where a model stands for its schema."""
    if isinstance(node, dict):
        if _MODEL in node:
            yield node
        for child in node.values():
            yield from _models(child)
    elif isinstance(node, list):
        for child in node:
            yield from _models(child)


def _unnest(schemas: dict[str, Any]) -> None:
    """APIFlask calls a model inside another `Outer.Inner`; here it is `Inner`, once."""
    for name in [name for name in schemas if "." in name]:
        schemas.setdefault(name.rpartition(".")[2], schemas.pop(name))
