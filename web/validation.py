"""How APIFlask validates input by a pydantic model, and shows a model in OpenAPI: stricter than it does by itself."""

from typing import Any, TypeVar, get_origin

from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from web.problems import BodyTooLarge, InvalidFields, MalformedBody, WrongMediaType
from web.upload import body_pieces

TEMPLATE = "#/components/schemas/{model}"
#: No JSON body of ours comes near; a manifest says its own limit.
MAX_JSON_BYTES = 64 * 1024

Model = TypeVar("Model", bound=BaseModel)


class Adapter(PydanticAdapter):
    """In place of APIFlask's own, which takes any media type for JSON and keeps one of repeated query parameters."""

    def validate_input(self, request: Request, location: str, **options: Any) -> BaseModel:
        """The model, made of the request's query or JSON body. `max_bytes` (of `input`): the largest body."""
        if location == "query":
            return self._valid(_query(request, self.model_class))
        if location == "json":
            return valid_json(self.model_class, json_body(request, options.get("max_bytes", MAX_JSON_BYTES)))
        found: BaseModel = super().validate_input(request, location, **options)
        return found

    def get_openapi_schema(self, **_options: Any) -> dict[str, Any]:
        schema: dict[str, Any] = self.model_class.model_json_schema(ref_template=TEMPLATE, mode="serialization")
        return schema

    def _valid(self, given: Any) -> BaseModel:
        try:
            model: BaseModel = self.model_class.model_validate(given)
        except ValidationError as error:
            raise InvalidFields.of(error) from error
        return model


def valid_json(model: type[Model], given: Any) -> Model:
    """The model, made of parsed JSON: false is no number, and "7" is none either. Raises InvalidFields."""
    try:
        return model.model_validate_json(to_json(given), strict=True)
    except ValidationError as error:
        raise InvalidFields.of(error) from error


def _query(request: Request, model: type[BaseModel]) -> dict[str, Any]:
    """Repeated names as a list where the model has one, `name[key]` as an object where it has that; else once each."""
    given: dict[str, Any] = {}
    if not request.query_string:
        return given
    for name, values in request.args.lists():
        outer, bracket, key = name.partition("[")
        if bracket and key.endswith("]") and _kind(model, outer) is dict:
            given.setdefault(outer, {})[key[:-1]] = _only(name, values)
        else:
            given[name] = values if _kind(model, name) is list else _only(name, values)
    return given


def _kind(model: type[BaseModel], name: str) -> type | None:
    """list or dict where the field is one."""
    field = model.model_fields.get(name)
    return get_origin(field.annotation) if field else None


def _only(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidFields([{"field": name, "message": "Given more than once"}])
    return values[0]


def json_body(request: Request, max_bytes: int = MAX_JSON_BYTES) -> Any:
    """Raises WrongMediaType, BodyTooLarge before reading where it is announced, MalformedBody."""
    if not request.is_json:
        raise WrongMediaType(f"The body is {request.mimetype or 'of no media type'}; send application/json.")
    try:
        return from_json(whole_body(request, max_bytes), allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBody(f"The body isn't JSON: {error}.") from error


def whole_body(request: Request, max_bytes: int) -> bytes:
    """Raises BodyTooLarge, before reading where it is announced."""
    if (request.content_length or 0) > max_bytes:
        raise BodyTooLarge(f"The body announces {request.content_length} bytes; at most {max_bytes} are read.")
    body = bytearray()
    for piece in body_pieces(request):
        body += piece
        if len(body) > max_bytes:
            raise BodyTooLarge(f"The body is longer than {max_bytes} bytes.")
    return bytes(body)
