"""What `tingxie up --listen` opens: which address, and secrets that stay the same; and how `join` reads its terms."""

import socket
from pathlib import Path

import pytest

from tingxie.data_folder import DataFolder
from tingxie.errors import StackError
from tingxie.join import as_seen_from_here
from tingxie.opening import Address, Opening, Secrets

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
NAMES = {"gpu.lan": "10.0.0.7"}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is asked for a name."""

    def look_up(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if name == "nowhere.lan":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(0, 0, 0, "", (NAMES.get(name, name), 0))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize(
    ("text", "ip", "port", "url"),
    [
        ("10.0.0.5", "10.0.0.5", None, "http://10.0.0.5:1"),
        ("10.0.0.5:8080", "10.0.0.5", 8080, "http://10.0.0.5:1"),
        ("gpu.lan", "10.0.0.7", None, "http://gpu.lan:1"),
        ("gpu.lan:8080", "10.0.0.7", 8080, "http://gpu.lan:1"),
        ("fd00::2", "fd00::2", None, "http://[fd00::2]:1"),
        ("[fd00::2]:8080", "fd00::2", 8080, "http://[fd00::2]:1"),
    ],
)
def test_an_address(text: str, ip: str, port: int | None, url: str) -> None:
    address = Address.parse(text)
    assert (address.ip, address.port, address.is_loopback) == (ip, port, False)
    opening = Opening(address, Secrets("token", "password", 6379))
    assert opening.command(1) == f"TINGXIE_WORKER_TOKEN=token tingxie join {url}"
    assert "plain HTTP" in opening.warning


@pytest.mark.parametrize("text", ["0.0.0.0", "::", "0.0.0.0:8000", ":8000", "nowhere.lan", "10.0.0.5:99999", "a:b:c"])
def test_what_no_other_machine_could_reach(text: str) -> None:
    with pytest.raises(StackError, match="--listen") as refused:
        Address.parse(text)
    assert "by which the others reach it" in refused.value.remedy


def test_the_readme_shows_the_command_as_it_is_printed() -> None:
    opening = Opening(Address("10.0.0.5", "10.0.0.5", None), Secrets("…", "password", 6379))
    assert f"\n{opening.command(8000)}" in README
    assert "tingxie up --listen 10.0.0.5" in README


def test_loopback_needs_no_warning() -> None:
    assert not Opening(Address.parse("127.0.0.2"), Secrets("token", "password", 6379)).warning


def test_secrets_stay_the_same_and_are_for_their_owner_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TINGXIE_WORKER_TOKEN", raising=False)
    with DataFolder.take(tmp_path / "data") as data:
        first = Secrets.of(data, "127.0.0.1")
        assert data.listening.stat().st_mode & 0o777 == 0o600
        assert Secrets.of(data, "127.0.0.1") == first
        assert min(len(first.worker_token), len(first.redis_password)) > 40
        monkeypatch.setenv("TINGXIE_WORKER_TOKEN", "chosen")
        assert Secrets.of(data, "127.0.0.1").worker_token == "chosen"
        data.listening.write_text("{}")
        with pytest.raises(StackError, match="can't be read"):
            Secrets.of(data, "127.0.0.1")
    with DataFolder.take(tmp_path / "other") as other:
        assert Secrets.of(other, "127.0.0.1").redis_password != first.redis_password


@pytest.mark.parametrize(
    ("redis_url", "seen"),
    [
        ("redis://:pass@127.0.0.1:6379/0", "redis://:pass@10.0.0.5:6379/0"),
        ("redis://localhost/1", "redis://10.0.0.5/1"),
        ("redis://[::1]:7000/0", "redis://10.0.0.5:7000/0"),
        ("rediss://user:pass@redis.lan:6380/0", "rediss://user:pass@redis.lan:6380/0"),
        ("sentinel://127.0.0.1:1,127.0.0.2:1/0?name=m", "sentinel://127.0.0.1:1,127.0.0.2:1/0?name=m"),
    ],
)
def test_a_redis_beside_the_front_end_is_looked_for_there(redis_url: str, seen: str) -> None:
    assert as_seen_from_here(redis_url, "http://10.0.0.5:8000") == seen
    assert as_seen_from_here("redis://127.0.0.1:1/0", "https://[fd00::2]") == "redis://[fd00::2]:1/0"
