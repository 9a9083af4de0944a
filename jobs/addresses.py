"""Which addresses a server may be sent to on a stranger's word: those of the public internet, and no others.

The networks are those of IANA's special-purpose registries (RFC 6890 and its updates, November 2026).
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeVar

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
AnyNetwork = TypeVar("AnyNetwork", IPv4Network, IPv6Network)

#: where clouds hand credentials to whoever asks from inside: refused even where a setting lets their network in
METADATA = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, OpenStack, DigitalOcean …
            "169.254.170.2",  # ECS tasks
            "169.254.170.23",  # EKS pods
            "168.63.129.16",  # Azure's host
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "fd00:ec2::254",  # AWS
            "fd00:ec2::23",  # EKS pods
            "fd20:ce::254",  # Google
        ),
    )
)

_V4 = {
    "0.0.0.0/8": "an address of the server itself",
    "10.0.0.0/8": "a private address",
    "100.64.0.0/10": "an address shared behind a carrier's NAT",
    "127.0.0.0/8": "a loopback address",
    "169.254.0.0/16": "a link-local address",
    "172.16.0.0/12": "a private address",
    "192.0.0.0/24": "a reserved address",
    "192.0.2.0/24": "an address for documentation",
    "192.31.196.0/24": "a reserved address",
    "192.52.193.0/24": "a reserved address",
    "192.88.99.0/24": "a 6to4 relay's address",
    "192.168.0.0/16": "a private address",
    "192.175.48.0/24": "a reserved address",
    "198.18.0.0/15": "an address for benchmarks",
    "198.51.100.0/24": "an address for documentation",
    "203.0.113.0/24": "an address for documentation",
    "224.0.0.0/4": "a multicast address",
    "240.0.0.0/4": "a reserved address",
}
_V6 = {
    "::/128": "an address of the server itself",
    "::1/128": "a loopback address",
    "::/96": "an IPv4-compatible address",
    "2001::/32": "a Teredo address",
    "2001::/23": "a reserved address",
    "2001:db8::/32": "an address for documentation",
    "2002::/16": "a 6to4 address",
    "2620:4f:8000::/48": "a reserved address",
    "3fff::/20": "an address for documentation",
    "fc00::/7": "a private address",
    "fe80::/10": "a link-local address",
    "fec0::/10": "a site-local address",
    "ff00::/8": "a multicast address",
}

#: all that has been given out for the public; whatever lies outside is reserved
_PUBLIC_V6 = IPv6Network("2000::/3")
#: a network's own translator puts IPv4 addresses behind this prefix, public ones too (RFC 6052)
_NAT64 = IPv6Network("64:ff9b::/96")
#: interface identifiers of ISATAP, with an IPv4 address behind them (RFC 5214)
_ISATAP = (0x00005EFE, 0x02005EFE)
_LOW_32 = 0xFFFFFFFF


def _networks(kind: type[AnyNetwork], named: dict[str, str]) -> tuple[tuple[AnyNetwork, str], ...]:
    return tuple((kind(network), reason) for network, reason in named.items())


_FORBIDDEN_V4 = _networks(IPv4Network, _V4)
_FORBIDDEN_V6 = _networks(IPv6Network, _V6)


def plain(address: Address) -> Address:
    """An IPv4-mapped address as the IPv4 address that a socket would connect to."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def why_forbidden(address: Address) -> str | None:
    """What the address is, in a few words, where it isn't one of the public internet; None where it is."""
    address = plain(address)
    if address in METADATA:
        return "a cloud's metadata address"
    return _why_not_v4(address) if isinstance(address, IPv4Address) else _why_not_v6(address)


def _why_not_v4(address: IPv4Address) -> str | None:
    return next((reason for network, reason in _FORBIDDEN_V4 if address in network), None)


def _why_not_v6(address: IPv6Address) -> str | None:
    if address.scope_id:
        return "an address with a zone"
    is_isatap = (int(address) >> 32) & _LOW_32 in _ISATAP
    for network, reason in _FORBIDDEN_V6:
        if address in network:
            return reason
    if address not in _PUBLIC_V6 and address not in _NAT64:
        return "a reserved address"
    return _embedded(address) if address in _NAT64 or is_isatap else None


def _embedded(address: IPv6Address) -> str | None:
    """The same of the IPv4 address in the last 32 bits."""
    inner = IPv4Address(int(address) & _LOW_32)
    reason = why_forbidden(inner)
    return f"{reason} ({inner}) inside an IPv6 address" if reason else None


def parse_network(text: str) -> Network:
    """A CIDR; host bits may be set. Raises ValueError."""
    return ip_network(text, strict=False)
