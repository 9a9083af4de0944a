"""Who is calling: the key of a request, the scope that its route needs, and whose jobs it sees."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import structlog
from flask import Flask, g, request
from werkzeug.http import parse_cookie

from jobs.api_key import ApiKey, Scope, split
from jobs.errors import RequestError
from jobs.store import wire
from web.openapi import EVERYWHERE, SECURITY_SCHEMES
from web.rate_limit import TOLD
from web.services import EXTENSION, Caller, Services

#: open to everybody: probes, the description of the API, and what leads to it
OPEN = frozenset({"/", "/healthz", "/readyz", "/openapi.json", "/docs", "/status", "/session"})
OPEN_BELOW = ("/problems/", "/docs/", "/page/", f"{wire.BASE}/")  # the last asks for a token of its own
#: the service's figures, over everybody's jobs: a scope of their own, since monitoring needs no other
FIGURES = frozenset({"/metrics", "/v1/status"})
#: these only look
READING = frozenset({"GET", "HEAD"})
#: where looking belongs to submitting: an upload goes on from the offset that it asks for
SUBMITTING_BELOW = ("/v1/uploads/",)
#: where a browser keeps the key (web.session), and the header that only our own page can send along with it
COOKIE = "tingxie_key"
FROM_PAGE = "X-Tingxie-Page"
#: where the environment of a request keeps an error that was met before Flask
FAILED = "tingxie.failed"


class KeyRequired(RequestError):
    type = "key-required"
    title = "This server wants an API key"
    remedy = "Send it as `Authorization: Bearer tx_…` or as `X-API-Key: tx_…`; your operator makes one."
    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="tingxie"'}  # noqa: RUF012


class KeyUnknown(RequestError):
    """One answer for unknown, misspelt and revoked keys: nobody learns which ids exist."""

    type = "key-unknown"
    title = "This API key isn't valid"
    remedy = "Check the key; it may have been revoked. Your operator makes new ones."
    status = 401
    headers = {"WWW-Authenticate": 'Bearer realm="tingxie", error="invalid_token"'}  # noqa: RUF012


class ScopeMissing(RequestError):
    type = "scope-missing"
    title = "This API key isn't for that"
    remedy = "Use a key with the scope that is named; your operator makes one."
    status = 403

    def __init__(self, scope: Scope) -> None:
        super().__init__(f"It takes a key with the scope `{scope}`.")
        self.headers = {"WWW-Authenticate": f'Bearer realm="tingxie", error="insufficient_scope", scope="{scope}"'}


class NotFromPage(RequestError):
    type = "not-from-page"
    title = "This request may come from another site"
    remedy = f"Send the header {FROM_PAGE}: 1 with what a cookie signs, or a key in Authorization."
    status = 403


@dataclass(frozen=True, slots=True)
class Authentication:
    """A before_request hook, one for each application."""

    front: Services

    def __call__(self) -> None:
        environ = request.environ
        if error := environ.get(FAILED):
            raise error
        g.caller = Caller() if request.url_rule is None else self.caller(environ)

    def caller(self, environ: dict[str, Any]) -> Caller:
        """Who makes a request, which is counted. Raises KeyRequired, KeyUnknown, ScopeMissing, RateLimited."""
        if _is_open(environ) or not wants_key(self.front, environ):
            return Caller()
        try:
            key = find_key(self.front, _sent_token(environ))
        except (KeyRequired, KeyUnknown, NotFromPage):
            self._count(environ, f"address:{environ.get('REMOTE_ADDR')}", None)
            raise
        self._count(environ, f"key:{key.id}", key.requests_per_minute)
        scope = _scope(environ)
        if not key.may(scope):
            raise ScopeMissing(scope)
        self.front.keys.touch(key)
        structlog.contextvars.bind_contextvars(key=key.id)
        return Caller(key.owner, key)

    def _count(self, environ: dict[str, Any], identity: str, limit: int | None) -> None:
        limit = self.front.settings.requests_per_minute if limit is None else limit
        if limit:
            environ[TOLD] = self.front.rates.spend(identity, limit)


def wants_key(front: Services, environ: dict[str, Any]) -> bool:
    """Once there are keys, from everybody; before, from other machines, where workers of those are let in."""
    return front.keys.in_use() or (bool(front.settings.worker_token) and not _is_near(environ))


def _is_near(environ: dict[str, Any]) -> bool:
    """Whether it comes from this machine, by loopback."""
    try:
        return ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def find_key(front: Services, token: str) -> ApiKey:
    """The key that a token stands for. Raises KeyRequired where it is empty, else KeyUnknown."""
    if not token:
        raise KeyRequired
    parts = split(token)
    key = front.keys.find(parts[0]) if parts else None
    if parts is None or key is None or not key.matches(parts[1]) or key.revoked_at is not None:
        raise KeyUnknown
    return key


SECURITY_SCHEMES.update(
    bearer={"type": "http", "scheme": "bearer", "description": "An API key, `tx_…`, where the server has keys."},
    header={"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
)
EVERYWHERE.extend((KeyRequired, KeyUnknown, ScopeMissing, NotFromPage))


def register(app: Flask) -> None:
    app.before_request(Authentication(app.extensions[EXTENSION]))


def is_open_path(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)


def _is_open(environ: dict[str, Any]) -> bool:
    """OPTIONS only tells what a path can do."""
    return is_open_path(_path(environ)) or environ["REQUEST_METHOD"] == "OPTIONS"


def _scope(environ: dict[str, Any]) -> Scope:
    path = _path(environ)
    if path in FIGURES:
        return Scope.METRICS
    only_looks = environ["REQUEST_METHOD"] in READING and not path.startswith(SUBMITTING_BELOW)
    return Scope.READ if only_looks else Scope.SUBMIT


def _path(environ: dict[str, Any]) -> str:
    """As the routes are found: however many slashes begin it."""
    return "/" + str(environ["PATH_INFO"]).lstrip("/")


def _sent_token(environ: dict[str, Any]) -> str:
    """What the client sent as its key; '' where it sent none."""
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() == "bearer":
        return str(token).strip()
    if sent := str(environ.get("HTTP_X_API_KEY", "")).strip():
        return sent
    cookie = sent_cookie(environ)
    if cookie and environ["REQUEST_METHOD"] not in READING:
        check_from_page(environ)
    return cookie


def sent_cookie(environ: dict[str, Any]) -> str:
    return parse_cookie(environ["HTTP_COOKIE"]).get(COOKIE, "") if "HTTP_COOKIE" in environ else ""


def check_from_page(environ: dict[str, Any]) -> None:
    """Raise NotFromPage unless a script of this very site made the request: no form and no other site can."""
    if environ.get("HTTP_X_TINGXIE_PAGE") != "1":
        raise NotFromPage(f"The request is signed by a cookie and lacks the header {FROM_PAGE}.")
