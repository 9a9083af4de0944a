"""The two shapes of an ordinary answer: a JSON document, and nothing."""

from collections.abc import Mapping
from typing import Any

from flask import Response
from pydantic_core import to_json


def json_answer(document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(to_json(document), status, headers=headers, content_type="application/json")


def empty_answer(status: int = 204, headers: Mapping[str, str] | None = None) -> Response:
    """An answer without content, and so without a type of it."""
    answer = Response(status=status, headers=headers)
    del answer.headers["Content-Type"]
    return answer
