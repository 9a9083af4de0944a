"""Fixtures for every test: a real Redis of our own, settings that point at it, a ledger on it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from jobs.broker import Hinter, make_celery
from jobs.ledger import Ledger
from jobs.settings import Settings
from tests.support.databases import Databases
from tingxie import redis_server as embedded

pytest_plugins = ["tests.support.skips"]


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[embedded.RedisServer]:
    """A Redis that only these tests use: the wheel's 6.2, the oldest that we promise, else the one that is found.

    TINGXIE_TEST_REDIS_SERVER names another program.
    """
    try:
        program = os.environ.get("TINGXIE_TEST_REDIS_SERVER") or embedded.bundled() or embedded.find()
    except embedded.RedisNotStarted as error:
        pytest.skip(str(error))  # fails in CI (tests/support/skips.py)
    server = embedded.start(tmp_path_factory.mktemp("redis"), program=program)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def databases(redis_server: embedded.RedisServer) -> Databases:
    """For services of a module or a package."""
    return Databases(redis_server.url)


@pytest.fixture
def redis(redis_server: embedded.RedisServer) -> Iterator["Redis"]:
    """A client on an empty database."""
    client = Redis.from_url(redis_server.url)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture
def settings(redis_server: embedded.RedisServer, redis: Redis, tmp_path: Path) -> Settings:
    """Defaults, on the tests' Redis (emptied) and in a folder of this test."""
    return Settings(redis_url=redis_server.url, data_dir=tmp_path / "data")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    ledger = Ledger.connect(settings)
    yield ledger
    ledger.close()


@pytest.fixture
def hinter(settings: Settings) -> Iterator[Hinter]:
    hinter = Hinter(make_celery(settings))
    yield hinter
    hinter.close()
