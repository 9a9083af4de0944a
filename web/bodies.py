"""Bodies that nobody reads: a small one is ignored, a large one refused by its length, before a byte of it is read."""

from flask import Flask, current_app, request

from web.openapi import reads_body
from web.problems import BodyTooLarge
from web.validation import MAX_JSON_BYTES


def register(app: Flask) -> None:
    app.before_request(_refuse_unread)


def _refuse_unread() -> None:
    """Unrefused, the server would read ten gigabytes of it to come to the connection's next request."""
    announced = request.content_length or 0
    if announced > MAX_JSON_BYTES and request.endpoint and not reads_body(current_app.view_functions[request.endpoint]):
        raise BodyTooLarge(f"This request takes no body; one of {announced} bytes is announced.")
