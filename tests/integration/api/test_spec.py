"""/openapi.json says all that there is: every route, every error, every field typed, no answer of 500."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
from apiflask import APIFlask

from jobs.errors import JobError, RequestError, Unavailable
from jobs.settings import Settings
from web.app import create_app
from web.internal import WorkerTokenRefused
from web.objects import ObjectRefused
from web.problems import error_kinds
from web.refusals import ExpectationNotMet, HeadersTooLarge, UnknownTransferCoding

DOCS = (Path(__file__).parents[3] / "docs" / "api.md").read_text()
#: of these a class below is answered, never itself
ABSTRACT = {"job-failed", "unavailable"}
#: said by gunicorn to no operation in particular; and of paths that aren't there
OF_NO_OPERATION = {kind.type for kind in (ExpectationNotMet, HeadersTooLarge, UnknownTransferCoding)}
#: said below /internal, which is no part of the API
TO_WORKERS = {kind.type for kind in (WorkerTokenRefused, ObjectRefused)}
#: of one item of a batch: told in its `error`
OF_AN_ITEM = {"upload-used"}
METHODS = ("get", "put", "post", "delete", "patch", "head", "options")


@pytest.fixture(scope="module")
def app() -> APIFlask:
    """Never asked anything: neither the ledger nor the store is there."""
    return create_app(Settings(), *[None] * 3)  # type: ignore[arg-type]


@pytest.fixture
def spec(http: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = http.get("/openapi.json").json()
    return found


def test_every_route_is_described(app: APIFlask, spec: dict[str, Any]) -> None:
    described = {
        (method.upper(), re.sub(r"{\w+}", "{}", path))
        for path, operations in spec["paths"].items()
        for method in operations
        if method in METHODS
    }
    routes = {
        (method, re.sub(r"<[\w:]+>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS") and not rule.endpoint.startswith("openapi.")
    }
    assert routes - described == set()


def test_the_docs_name_every_route(spec: dict[str, Any]) -> None:
    for path, operations in spec["paths"].items():
        for method in operations:
            if method in ("head", "options"):
                continue
            written = re.escape(path).replace(r"\{job_id\}", r"(\{id\}|\$JOB)")
            written = re.sub(r"\\{\w+\\}", r"(\\{\\w+\\}|\\$\\w+)", written)
            short = re.escape(f"…/{path.rpartition('/')[2]}")
            assert re.search(rf"{written}(?![\w/])|{short}(?![\w/])", DOCS), f"{method} {path}"


def test_every_error_is_in_it(spec: dict[str, Any]) -> None:
    shown = {name for response in responses(spec) for name in problem_examples(response)}
    wanted = {kind.type for base in (JobError, RequestError, Unavailable) for kind in error_kinds(base)}
    assert wanted - shown - ABSTRACT - OF_NO_OPERATION - OF_AN_ITEM - TO_WORKERS == set()


def test_no_answer_is_a_500(spec: dict[str, Any]) -> None:
    statuses = {status for path in spec["paths"].values() for each in path.values() for status in each["responses"]}
    assert "500" not in statuses
    assert "default" not in statuses


def test_every_operation_has_what_clients_are_generated_from(spec: dict[str, Any]) -> None:
    operations = [each for path in spec["paths"].values() for each in path.values()]
    ids = [each["operationId"] for each in operations]
    assert len(ids) == len(set(ids))
    assert all(each["summary"] and each["tags"] for each in operations)
    assert all(response["description"] for response in responses(spec))


def test_no_schema_is_free_form(spec: dict[str, Any]) -> None:
    for where, schema in schemas(spec, "#"):
        assert schema not in ({}, True), where
        told = {"$ref", "type", "anyOf", "oneOf", "allOf", "const", "enum"} & set(schema)
        assert told, where
        if schema.get("type") == "object":
            assert schema.get("properties") or schema.get("additionalProperties") not in (None, True, {}), where
        if schema.get("type") == "array":
            assert "items" in schema or "prefixItems" in schema, where


def test_examples_are_what_they_are_examples_of(spec: dict[str, Any]) -> None:
    told = [name for name, schema in spec["components"]["schemas"].items() if "examples" in schema]
    assert {"JobView", "Transcript"} <= set(told)
    for name in told:
        components = {"components": spec["components"]}
        validator = jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", **components})
        for example in spec["components"]["schemas"][name]["examples"]:
            validator.validate(example)
    for response in responses(spec):
        for media_type, content in response.get("content", {}).items():
            if media_type.endswith("json") and content.get("examples"):
                validator = jsonschema_rs.validator_for({**content["schema"], "components": spec["components"]})
                for example in content["examples"].values():
                    validator.validate(example["value"])


def responses(spec: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in spec["paths"].values():
        for operation in path.values():
            yield from operation["responses"].values()


def problem_examples(response: dict[str, Any]) -> Iterator[str]:
    """The types that a response shows: of problem documents, and of errors in OpenAI's shape."""
    content = response.get("content", {})
    for example in content.get("application/problem+json", {}).get("examples", {}).values():
        yield example["value"]["type"].removeprefix("/problems/")
    yield from content.get("application/json", {}).get("examples", {})


def schemas(node: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Every schema below a node of the spec, with its place."""
    if isinstance(node, list):
        for n, child in enumerate(node):
            yield from schemas(child, f"{where}/{n}")
    elif isinstance(node, dict):
        for name, child in node.items():
            place = f"{where}/{name}"
            if name in ("examples", "example"):
                continue
            if name in ("schema", "items", "additionalProperties") and not isinstance(child, bool):
                yield place, child
            elif name in ("properties", "schemas", "$defs"):
                yield from ((f"{place}/{each}", schema) for each, schema in child.items())
            elif name in ("anyOf", "oneOf", "allOf"):
                yield from ((f"{place}/{n}", schema) for n, schema in enumerate(child))
            yield from schemas(child, place)
