"""URLs that strangers give: taken apart once, judged by these rules, never handed to another parser.

What can be said of a URL alone is said here, before any look-up; worker/outgoing.py judges what its name resolves to.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, quote, urlsplit

import idna

from jobs.addresses import METADATA, Address, Network, parse_network, plain, why_forbidden
from jobs.errors import UrlRefused

MAX_URL_CHARS = 2048
#: ports of strangers' servers; others must stand in TINGXIE_ALLOWED_HOSTS
PORTS = {"http": 80, "https": 443}

_NETLOC = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:@%]+))(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: what inet_aton, and so getaddrinfo, takes for a number: 2130706433, 0x7f000001, 0177
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_MAX_NAME_CHARS = 253
_MAX_PORT = 65535
#: printable ASCII that is no place for a URL, besides what isn't printable
_FORBIDDEN_CHARS = frozenset('\\"<>^`{|}')


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """What TINGXIE_ALLOWED_HOSTS lets in besides the public internet: hosts with a port, networks with any port."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AllowedHosts":
        """Comma-separated `host:port` and CIDRs. Raises ValueError, which names the entry."""
        hosts, networks = set(), []
        for entry in filter(None, map(str.strip, text.split(","))):
            try:
                if "/" in entry:
                    networks.append(parse_network(entry))
                else:
                    hosts.add(_host_and_port(entry))
            except (ValueError, UrlRefused) as error:
                raise ValueError(f"{entry!r} is neither host:port nor a CIDR such as 10.0.0.0/8") from error
        return cls(frozenset(hosts), tuple(networks))

    def has_network(self, address: Address) -> bool:
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that may be gone to if its host's addresses may be. `path` has the query; `address` is a literal one."""

    scheme: str
    host: str
    port: int
    path: str
    address: Address | None = None

    @property
    def authority(self) -> str:
        """As in a URL and in the Host header: an IPv6 address in brackets, the port where it isn't the usual one."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def redacted(url: str) -> str:
    """A URL for log lines: without its query, which may hold a credential, or anything else after it."""
    return re.split(r"[?#]", url, maxsplit=1)[0]


def check_url(url: str, allowed: AllowedHosts) -> Target:
    """Take a URL apart. Raises UrlRefused for whatever needs no look-up to be refused."""
    if len(url) > MAX_URL_CHARS:
        raise UrlRefused(f"The URL is longer than {MAX_URL_CHARS} characters.")
    if not all(char.isprintable() and char != " " and char not in _FORBIDDEN_CHARS for char in url):
        raise UrlRefused("The URL holds a space, a backslash or another character that has no place there.")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UrlRefused(f"The URL can't be read: {error}.") from error
    if parts.scheme not in PORTS:
        raise UrlRefused(f"The scheme {parts.scheme!r} isn't http or https.")
    target = _target(parts)
    if target.address is not None:
        check_address(target, target.address, allowed)
    elif not allowed.networks:  # with some, it depends on the address
        _check_port(target, allowed)
    return target


def check_address(target: Target, address: Address, allowed: AllowedHosts) -> None:
    """Raise UrlRefused where this address, which the target's host is or has, isn't to be connected to."""
    address = plain(address)
    known = (target.host, target.port) in allowed.hosts or allowed.has_network(address)
    if known and address not in METADATA:
        return
    if reason := why_forbidden(address):
        seen = f"{target.host} is" if target.address is not None else f"{target.host} resolves to {address},"
        raise UrlRefused(f"{seen} {reason}.")
    _check_port(target, allowed)


def _check_port(target: Target, allowed: AllowedHosts) -> None:
    if target.port not in PORTS.values() and (target.host, target.port) not in allowed.hosts:
        raise UrlRefused(f"{target.host}: port {target.port} isn't 80 or 443.")


def _target(parts: SplitResult) -> Target:
    if "@" in parts.netloc:
        raise UrlRefused("The URL holds a user name or a password before its host.")
    host, address, port = _authority(parts.netloc)
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~[]")
    if parts.query:
        path += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~[]?")
    return Target(parts.scheme, host, PORTS[parts.scheme] if port is None else port, path, address)


def _authority(netloc: str) -> tuple[str, Address | None, int | None]:
    found = _NETLOC.fullmatch(netloc)
    if found is None:
        raise UrlRefused(f"{netloc[:80]!r} is no host.")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port <= _MAX_PORT:
        raise UrlRefused(f"{netloc[:80]}: there is no port {port}.")
    if found["v6"]:
        try:
            address = IPv6Address(found["v6"])
        except ValueError as error:
            raise UrlRefused(f"{netloc[:80]!r} is no IPv6 address.") from error
        return str(address), address, port
    return (*_name(found["name"]), port)


def _name(text: str) -> tuple[str, Address | None]:
    """A host's name in ASCII, lower case, without the last dot; its address if it is one."""
    try:
        name = text.lower() if text.isascii() else idna.encode(text, uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise UrlRefused(f"{text[:80]!r} is no host: {error}.") from error
    name = name.removesuffix(".")
    labels = name.split(".")
    if len(name) > _MAX_NAME_CHARS or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused(f"{text[:80]!r} is no host.")
    if not _NUMBER.fullmatch(labels[-1]):
        return name, None
    try:
        return name, IPv4Address(name)
    except ValueError as error:
        # a resolver would read 127.1, 0x7f.1 or 2130706433 as an address
        raise UrlRefused(f"{name} is an address in a notation that hides it; write four decimal numbers.") from error


def _host_and_port(entry: str) -> tuple[str, int]:
    host, _, port = _authority(entry)
    if port is None:
        raise ValueError("no port")
    return host, port
