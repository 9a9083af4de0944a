"""Whose X-Forwarded headers are believed."""

from typing import Any

import pytest
from pydantic import ValidationError

from jobs.settings import Settings
from web.proxies import TrustedProxies

TOLD = {
    "HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7",
    "HTTP_X_FORWARDED_PROTO": "https",
    "HTTP_X_FORWARDED_HOST": "speech.example.org",
}
PLAIN = {"wsgi.url_scheme": "http", "HTTP_HOST": "127.0.0.1:8000", "SERVER_NAME": "x", "SERVER_PORT": "80"}


def seen(trusted: str, peer: str) -> tuple[str, str, str]:
    """Address, scheme and host as the application sees them."""
    found: dict[str, Any] = {}

    def application(environ: dict[str, Any], _start: object) -> list[bytes]:
        found.update(environ)
        return []

    TrustedProxies(application, Settings(trusted_proxies=trusted).proxies)(
        {**PLAIN, **TOLD, "REMOTE_ADDR": peer}, print
    )
    return found["REMOTE_ADDR"], found["wsgi.url_scheme"], found["HTTP_HOST"]


@pytest.mark.parametrize("peer", ["10.1.2.3", "192.0.2.1", "::1"])
def test_a_trusted_proxys_last_word_is_believed(peer: str) -> None:
    assert seen("10.0.0.0/8, 192.0.2.1,::1/128", peer) == ("198.51.100.7", "https", "speech.example.org")


@pytest.mark.parametrize("peer", ["11.1.2.3", "::2", "", "unix:"])
def test_a_strangers_isnt(peer: str) -> None:
    assert seen("10.0.0.0/8, 192.0.2.1,::1/128", peer) == (peer, "http", "127.0.0.1:8000")


@pytest.mark.parametrize(
    "settings",
    [{"trusted_proxies": "10.0.0.1/8"}, {"trusted_proxies": "proxy"}, {"public_url": "speech.example.org"}],
    ids=str,
)
def test_settings_that_make_no_sense(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Settings(**settings)  # type: ignore[arg-type]
