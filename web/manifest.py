"""The manifest of a batch, as JSON Lines or as one JSON document: what is an item, and why a line is none.

JSON is one document and is checked as one. JSON Lines are checked line by line: a bad one sinks nothing but itself.
"""

from collections.abc import Iterator

from flask import Request
from pydantic import ValidationError
from pydantic_core import from_json

from jobs.batch import BatchItem, problem_of
from jobs.errors import Problem
from jobs.job import JobOptions
from web.problems import InvalidFields, WrongMediaType
from web.schemas import BatchSubmission, Submission, UploadItem, UrlItem
from web.validation import json_body, whole_body

JSON_LINES = ("application/jsonl", "application/x-ndjson")
#: 2,000 bytes an item, for 10,000 of them
MAX_BYTES = 20_000_000
MAX_CUSTOM_ID = 200


def read_manifest(request: Request, name: str, most: int) -> tuple[str, list[BatchItem]]:
    """The batch's name and its items; `name` is the query's. Raises InvalidFields and what reading the body raises."""
    if request.mimetype in JSON_LINES:
        items = list(_lines(whole_body(request, MAX_BYTES)))
    elif request.is_json:
        try:
            asked = BatchSubmission.model_validate(json_body(request, MAX_BYTES), strict=True)
        except ValidationError as error:
            raise InvalidFields.of(error) from error
        name, items = asked.name or name, [_item(item, asked.options) for item in asked.items]
    else:
        raise WrongMediaType(f"A manifest is application/json or {' or '.join(JSON_LINES)}.")
    if len(items) > most:
        raise InvalidFields([{"field": "items", "message": f"{len(items)} items; at most {most} make a batch"}])
    return name, items


def _lines(body: bytes) -> Iterator[BatchItem]:
    for line in body.splitlines():
        if line.strip():
            yield _line(line)


def _line(line: bytes) -> BatchItem:
    given = None
    try:
        given = from_json(line, allow_inf_nan=False)
        model = UploadItem if isinstance(given, dict) and "upload_id" in given else UrlItem
        return _item(model.model_validate(given, strict=True), Submission())
    except ValidationError as error:
        problem = Problem.of(InvalidFields.of(error))
    except ValueError as error:
        problem = Problem.of(InvalidFields([{"field": "line", "message": f"Not JSON: {error}"}]))
    custom_id = given.get("custom_id") if isinstance(given, dict) else None
    return BatchItem(
        custom_id=custom_id[:MAX_CUSTOM_ID] if isinstance(custom_id, str) else None, error=problem_of(problem)
    )


def _item(asked: UrlItem | UploadItem, defaults: JobOptions) -> BatchItem:
    """As it is kept: with the options of the batch and, before them, its own."""
    names = set(JobOptions.model_fields)
    chosen = {
        **defaults.model_dump(include=names, exclude_unset=True),
        **asked.model_dump(include=names, exclude_unset=True),
    }
    return BatchItem(
        custom_id=asked.custom_id,
        filename=asked.filename,
        url=asked.url if isinstance(asked, UrlItem) else None,
        upload_id=asked.upload_id if isinstance(asked, UploadItem) else None,
        options=JobOptions.model_validate(chosen),
    )
