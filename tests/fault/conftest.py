"""What faults need: a run without them to compare with, and a Redis of one's own to hurt."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault.outcome import Calm, calm_services
from tests.fault.own_redis import OwnRedis
from tingxie.redis_server import RedisServer


@pytest.fixture(scope="session")
def calm(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Calm]:
    """Started when the first test asks for a transcript. (The session's Redis is only asked whether there is one.)"""
    with calm_services(tmp_path_factory.mktemp("calm")) as services:
        yield services


@pytest.fixture
def own_redis(redis_server: RedisServer, tmp_path: Path) -> Iterator[OwnRedis]:
    """A Redis for one test to hurt."""
    server = OwnRedis(tmp_path / "redis")
    yield server
    server.stop()
