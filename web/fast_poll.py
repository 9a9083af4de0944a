"""The plain poll that succeeds, answered before Flask: routing, contexts and hooks cost more than all that it does.

Whatever isn't plain (a query, Prefer, debug logs) goes on to the view in web.jobs, and whatever fails here is answered
by Flask as well, from the error that is handed on. Both ways answer alike (tests/integration/api/test_fast_poll.py).
"""

import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask
from pydantic_core import to_json
from werkzeug.http import parse_etags

from web.auth import FAILED, Authentication
from web.jobs import job_document, knows, poll_headers
from web.rate_limit import TOLD
from web.request_log import HEADER, begin
from web.services import EXTENSION, Services

#: as Flask knows it
ROUTE = "/v1/jobs/<job_id>"
_POLL = re.compile(r"/v1/jobs/([0-9A-Za-z]+)")


def register(app: Flask) -> None:
    app.wsgi_app = FastPolls(app.wsgi_app, app.extensions[EXTENSION])  # type: ignore[method-assign]


class FastPolls:
    def __init__(self, inner: WSGIApplication, front: Services) -> None:
        self._inner = inner
        self._front = front
        self._authentication = Authentication(front)
        self._logs = logging.getLogger()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = _POLL.fullmatch(environ["PATH_INFO"]) if self._is_plain(environ) else None
        if found is not None:
            began = time.monotonic()
            try:
                return self._answer(environ, start_response, found[1], began)
            except Exception as error:  # noqa: BLE001 (Flask raises it again and answers it)
                environ[FAILED] = error
        return self._inner(environ, start_response)

    def _is_plain(self, environ: dict[str, Any]) -> bool:
        return (
            environ["REQUEST_METHOD"] == "GET"
            and not environ["QUERY_STRING"]
            and "HTTP_PREFER" not in environ
            # a body that nobody reads is refused by the view's way (web.bodies)
            and environ.get("CONTENT_LENGTH", "0") in ("", "0")
            and "HTTP_TRANSFER_ENCODING" not in environ
            and not self._logs.isEnabledFor(logging.DEBUG)
        )

    def _answer(
        self, environ: dict[str, Any], start_response: Callable[..., Any], job_id: str, began: float
    ) -> Iterable[bytes]:
        request_id = begin(environ)
        caller = self._authentication.caller(environ)
        job = self._front.ledger.job(job_id, owner=caller.sees)
        document = job_document(job, self._front.settings.public_url)
        headers = {**poll_headers(job, document), **environ.get(TOLD, {}), HEADER: request_id}
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known and knows(parse_etags(known), headers["ETag"]):
            start_response("304 NOT MODIFIED", list(headers.items()))
            self._front.http.answered("GET", ROUTE, 304, time.monotonic() - began)
            return [b""]
        body = to_json(document)
        headers |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        start_response("200 OK", list(headers.items()))
        self._front.http.answered("GET", ROUTE, 200, time.monotonic() - began)
        return [body]
