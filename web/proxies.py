"""Reverse proxies: the address that clients know, and what a proxy that the operator trusts says of the client."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any
from wsgiref.types import WSGIApplication

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from jobs.settings import Network
from web.services import EXTENSION, Services


def register(app: Flask) -> None:
    front: Services = app.extensions[EXTENSION]
    if front.settings.public_url:
        app.wsgi_app = PublicLocation(app.wsgi_app, front.settings.public_url)  # type: ignore[method-assign]
    if networks := front.settings.proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]


class PublicLocation:
    """Where a Location is a path, it begins with the public address."""

    def __init__(self, inner: WSGIApplication, public_url: str) -> None:
        self._inner = inner
        self._public_url = public_url

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def public(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start_response(status, [(name, self._whole(name, value)) for name, value in headers], exc_info)

        return self._inner(environ, public)

    def _whole(self, name: str, value: str) -> str:
        return f"{self._public_url}{value}" if name.lower() == "location" and value.startswith("/") else value


class TrustedProxies:
    """Reads the last X-Forwarded-… of a peer in these networks; from any other it is a stranger's claim."""

    def __init__(self, inner: WSGIApplication, networks: tuple[Network, ...]) -> None:
        self._inner = inner
        self._fixed = ProxyFix(inner, x_for=1, x_proto=1, x_host=1)
        self._networks = networks

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return (self._fixed if self._is_trusted(environ.get("REMOTE_ADDR", "")) else self._inner)(
            environ, start_response
        )

    def _is_trusted(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)
