"""Who is calling: the key of a request, the scope that its route needs, and whose jobs it sees."""

from dataclasses import dataclass

import structlog
from flask import Flask, g, request

from jobs.api_key import ApiKey, Scope, split
from jobs.errors import RequestError
from web.openapi import EVERYWHERE, SECURITY_SCHEMES
from web.services import EXTENSION, Caller, Services

#: open to everybody: probes, the description of the API, and what leads to it
OPEN = frozenset({"/", "/healthz", "/readyz", "/metrics", "/openapi.json", "/docs"})
OPEN_BELOW = ("/problems/",)
#: these only look
READING = frozenset({"GET", "HEAD"})
#: where looking belongs to submitting: an upload goes on from the offset that it asks for
SUBMITTING_BELOW = ("/v1/uploads/",)


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


@dataclass(frozen=True, slots=True)
class Authentication:
    """A before_request hook, one for each application."""

    front: Services

    def __call__(self) -> None:
        try:
            caller = self._caller()
        except (KeyRequired, KeyUnknown):
            self._count(f"address:{request.remote_addr}", None)
            raise
        if caller.key is not None:
            self._count(f"key:{caller.key.id}", caller.key.requests_per_minute)
        g.caller = caller

    def _count(self, identity: str, limit: int | None) -> None:
        limit = self.front.settings.requests_per_minute if limit is None else limit
        if limit:
            g.rate_limit = self.front.rates.spend(identity, limit)

    def _caller(self) -> Caller:
        keys = self.front.keys
        if _is_open() or not keys.in_use():
            return Caller()
        key = self._key()
        only_looks = request.method in READING and not request.path.startswith(SUBMITTING_BELOW)
        scope = Scope.READ if only_looks else Scope.SUBMIT
        if not key.may(scope):
            raise ScopeMissing(scope)
        keys.touch(key)
        structlog.contextvars.bind_contextvars(key=key.id)
        return Caller(key.owner, key)

    def _key(self) -> ApiKey:
        token = sent_token()
        if not token:
            raise KeyRequired
        parts = split(token)
        key = self.front.keys.find(parts[0]) if parts else None
        if parts is None or key is None or not key.matches(parts[1]) or key.revoked_at is not None:
            raise KeyUnknown
        return key


SECURITY_SCHEMES.update(
    bearer={"type": "http", "scheme": "bearer", "description": "An API key, `tx_…`, where the server has keys."},
    header={"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
)
EVERYWHERE.extend((KeyRequired, KeyUnknown, ScopeMissing))


def register(app: Flask) -> None:
    app.before_request(Authentication(app.extensions[EXTENSION]))


def sent_token() -> str:
    """What the client sent as its key; '' where it sent none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.headers.get("X-API-Key", "").strip()


def is_open_path(path: str) -> bool:
    return path in OPEN or path.startswith(OPEN_BELOW)


def _is_open() -> bool:
    """OPTIONS tells what a path can do, and a path that isn't served can do nothing."""
    return is_open_path(request.path) or request.method == "OPTIONS" or request.url_rule is None
