"""What guards /internal, where the front end serves workers on other machines (jobs/store/wire.py): a token.

Whoever has the worker token reads all audio and writes transcripts. No API key opens this, and it opens nothing else.
"""

import hmac

from apiflask import APIBlueprint
from flask import Response, request

from jobs.errors import ObjectMissing, Problem, RequestError
from jobs.store import wire
from web.problems import problem
from web.services import services


class WorkerTokenRefused(RequestError):
    type = "worker-token-refused"
    title = "This isn't the worker token"
    remedy = "Copy the command for other machines anew, from where `tingxie up --listen` runs."
    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="tingxie workers"'}  # noqa: RUF012


def guarded(name: str) -> APIBlueprint:
    """A blueprint below /internal; no part of the API that is told to clients."""
    blueprint = APIBlueprint(name, __name__, url_prefix=wire.BASE, enable_openapi=False)
    blueprint.before_request(_check_token)
    blueprint.register_error_handler(ObjectMissing, _missing)
    return blueprint


def _check_token() -> None:
    scheme, _, sent = request.headers.get("Authorization", "").partition(" ")
    token = services().settings.worker_token
    if scheme.lower() != "bearer" or not hmac.compare_digest(sent.strip().encode(), token.encode()):
        raise WorkerTokenRefused


def _missing(error: ObjectMissing) -> Response:
    """Elsewhere it is our fault; a worker asks for what may be gone."""
    return problem(Problem.of(error), 404, headers={wire.GONE: "1"})
