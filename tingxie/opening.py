"""What `tingxie up --listen` opens to other machines: an address, and the secrets that let workers in, kept from start
to start so that machines which joined find their way back."""

import ipaddress
import json
import os
import secrets
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tingxie.data_folder import DataFolder
from tingxie.errors import StackError

#: Redis's own port, should it be free: the one that a firewall's rules know
_REDIS_PORT = 6379
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Address:
    """name: as the operator wrote it, and as other machines are told. ip: what it means here."""

    name: str
    ip: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """ADDRESS or ADDRESS:PORT, [ADDRESS]:PORT for IPv6. Raises StackError."""
        try:
            is_bare_ipv6 = ipaddress.ip_address(text).version == 6  # noqa: PLR2004
        except ValueError:
            is_bare_ipv6 = False
        try:
            parts = urlsplit(f"//[{text}]" if is_bare_ipv6 else f"//{text}")
            name, port = parts.hostname or "", parts.port
            ip = str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0]) if name else ""
        except (ValueError, OSError) as error:
            raise StackError(f"--listen {text}: {error}", remedy=_WHICH) from error
        if not ip or ipaddress.ip_address(ip.partition("%")[0]).is_unspecified:
            raise StackError(f"--listen {text} is no address that other machines can reach", remedy=_WHICH)
        return cls(name, ip, port)

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.ip.partition("%")[0]).is_loopback

    @property
    def in_url(self) -> str:
        return f"[{self.name}]" if ":" in self.name else self.name


_WHICH = "Give the one address of this machine by which the others reach it."


@dataclass(frozen=True, slots=True)
class Secrets:
    """In the data folder, for its owner's eyes only."""

    worker_token: str
    redis_password: str
    redis_port: int

    @classmethod
    def of(cls, data: DataFolder, ip: str) -> "Secrets":
        """Those of before, else new ones. TINGXIE_WORKER_TOKEN is one that the operator chose. Raises StackError."""
        try:
            kept = cls(**json.loads(data.listening.read_text(encoding="utf-8")))
        except FileNotFoundError:
            kept = cls(_new_secret(), _new_secret(), _free_port(ip))
            _keep(data.listening, kept)
        except (ValueError, TypeError, OSError) as error:
            raise StackError(f"{data.listening} can't be read: {error}", remedy="Remove it to begin anew.") from error
        chosen = os.environ.get("TINGXIE_WORKER_TOKEN")
        return cls(chosen, kept.redis_password, kept.redis_port) if chosen else kept


def _new_secret() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _keep(path: Path, kept: Secrets) -> None:
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 (a descriptor)
        json.dump(asdict(kept), file)
        file.flush()
        os.fsync(file.fileno())


def _free_port(ip: str) -> int:
    """Redis's usual one, else any, that is free on loopback and on the address."""
    for wanted in (_REDIS_PORT, 0, 0, 0):
        with suppress(OSError), socket.create_server(("127.0.0.1", wanted)) as near:
            port: int = near.getsockname()[1]
            if ip == "127.0.0.1":
                return port
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            with socket.create_server((ip, port), family=family):
                return port
    raise StackError(f"no port is free for Redis on {ip}", remedy=_WHICH)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a machine that is to join needs: where, and the secrets."""

    address: Address
    secrets: Secrets

    def command(self, port: int) -> str:
        """For the other machine's shell. In the environment, where a process list doesn't show it."""
        return f"TINGXIE_WORKER_TOKEN={self.secrets.worker_token} tingxie join http://{self.address.in_url}:{port}"

    @property
    def warning(self) -> str:
        """What an operator should know before he copies the command; nothing on loopback."""
        if self.address.is_loopback:
            return ""
        return "it is plain HTTP and Redis: let the network between be a private one or a VPN (docs/operations.md)"
