"""Where Redis is: TINGXIE_REDIS_URL and its TLS files, taken apart for the two that connect: the ledger and Celery.

redis[s]://[USER:PASSWORD@]HOST[:PORT][/DB]
unix://[USER:PASSWORD@]/PATH[?db=DB]
sentinel[s]://[USER:PASSWORD@]HOST[:PORT][,HOST[:PORT]…][/DB]?name=NAME[&sentinel_user=…][&sentinel_password=…]

The Sentinels of NAME say which Redis is its master; USER and PASSWORD are Redis's, the others theirs. `;` does for `,`.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_PORTS = {"redis": 6379, "rediss": 6379, "sentinel": 26379, "sentinels": 26379, "unix": 0}
_OPTIONS = {"unix": {"db"}, "sentinel": {"name", "sentinel_user", "sentinel_password"}}
_OPTIONS["sentinels"] = _OPTIONS["sentinel"]


@dataclass(frozen=True, slots=True)
class Login:
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def arguments(self) -> dict[str, Any]:
        """As redis-py takes them."""
        return {name: text for name, text in (("username", self.user), ("password", self.password)) if text}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """hosts: one, or the Sentinels that know `master`'s. path: of a Unix socket. tls: empty where there is none."""

    hosts: tuple[tuple[str, int], ...]
    path: str
    db: int
    login: Login
    master: str = ""
    sentinel_login: Login = Login()
    tls: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, url: str, *, ca: str = "", cert: str = "", key: str = "") -> "RedisAddress":
        """Raises ValueError, whose words hold nothing of the URL that may be secret."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:
            raise ValueError("it begins with redis://, rediss://, unix://, sentinel:// or sentinels://")
        given = _options(parts.scheme, parts.query)
        login, _, hosts = parts.netloc.rpartition("@")
        is_unix = parts.scheme == "unix"
        by_sentinel = parts.scheme.startswith("sentinel")
        address = cls(
            hosts=() if is_unix else _hosts(hosts, _PORTS[parts.scheme]),
            path=unquote(parts.path) if is_unix else "",
            db=_db(given.get("db", "") if is_unix else parts.path.strip("/")),
            login=_login(login),
            master=given.get("name", ""),
            sentinel_login=Login(given.get("sentinel_user"), given.get("sentinel_password")),
            tls=_tls(ca, cert, key) if parts.scheme in ("rediss", "sentinels") else {},
        )
        if by_sentinel and not address.master:
            raise ValueError("a sentinel URL ends with ?name= and the name of the master")
        if not by_sentinel and len(address.hosts) > 1:
            raise ValueError("only a sentinel URL names several hosts")
        return address

    @property
    def broker_url(self) -> str:
        """As kombu takes it. TLS is not in it: `broker_use_ssl` is `tls`."""
        login = ":".join(quote(text or "", safe="") for text in (self.login.user, self.login.password))
        login = f"{login}@" if login != ":" else ""
        if self.path:
            return f"redis+socket://{login}{self.path}?virtual_host={self.db}"
        scheme = "sentinel" if self.master else "redis"
        return ";".join(f"{scheme}://{login}{_bracketed(host)}:{port}/{self.db}" for host, port in self.hosts)


def _options(scheme: str, query: str) -> dict[str, str]:
    given = dict(parse_qsl(query))
    unknown = sorted(given.keys() - _OPTIONS.get(scheme, set()))
    if unknown:
        raise ValueError(f"it has no option {', '.join(unknown)} (certificates are settings of their own)")
    return given


def _hosts(text: str, default_port: int) -> tuple[tuple[str, int], ...]:
    found = []
    for each in re.split("[,;]", text):
        parts = urlsplit(f"//{each}")
        try:
            port = parts.port
        except ValueError as error:
            raise ValueError("a port is a number up to 65535") from error
        found.append((parts.hostname or "localhost", port or default_port))
    return tuple(found)


def _login(text: str) -> Login:
    user, _, password = text.partition(":")
    return Login(unquote(user) or None, unquote(password) or None)


def _db(text: str) -> int:
    if text and not text.isdigit():
        raise ValueError("the database is a number")
    return int(text or 0)


def _tls(ca: str, cert: str, key: str) -> dict[str, Any]:
    """The server's name is always checked; without a CA of its own by those that the system trusts."""
    files = {"ssl_ca_certs": ca, "ssl_certfile": cert, "ssl_keyfile": key or cert}
    return {
        "ssl_cert_reqs": ssl.CERT_REQUIRED,
        "ssl_check_hostname": True,
        **{name: file for name, file in files.items() if file},
    }


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
