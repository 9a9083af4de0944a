"""The front end that most tests share, a worker's part played by hand, and a small recording."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from redis import Redis

from jobs.api_key import Scope
from jobs.ledger import Ledger
from jobs.settings import Settings
from jobs.store import AudioStore, open_store
from tests.integration.api.fake_worker import FakeWorker
from tests.integration.api.keyed import Holders, keyring_of
from tests.integration.api.server import WebServer
from tests.support.waiting import eventually
from tingxie.redis_server import RedisServer


@pytest.fixture(scope="package")
def web_server(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with WebServer(tmp_path_factory.mktemp("web"), redis_url=redis_server.url) as server:
        yield server


@pytest.fixture
def web(web_server: WebServer, redis: Redis) -> WebServer:
    """The shared front end, over an empty ledger."""
    return web_server


@pytest.fixture
def http(web: WebServer) -> httpx.Client:
    return web.client


@pytest.fixture
def settings(web_server: WebServer, redis_server: RedisServer, redis: Redis) -> Settings:
    """Those of the shared front end."""
    return Settings(redis_url=redis_server.url, data_dir=web_server.folder / "data")


@pytest.fixture
def store(settings: Settings) -> AudioStore:
    return open_store(settings.store)


@pytest.fixture
def worker(ledger: Ledger, store: AudioStore) -> FakeWorker:
    return FakeWorker(ledger, store)


@pytest.fixture(scope="package")
def keyed_server(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    """Started open; the first key closes it."""
    with Redis.from_url(redis_server.url) as redis:
        redis.flushdb()  # of earlier tests' keys
    with WebServer(tmp_path_factory.mktemp("keyed"), redis_url=redis_server.url) as server:
        assert "no API keys" in server.log
        assert server.client.get("/v1/jobs").status_code == 200
        keyring_of(server).create("", [Scope.READ])
        eventually(lambda: server.client.get("/v1/jobs").status_code == 401)
        yield server


@pytest.fixture
def hold() -> Iterator[Holders]:
    holders = Holders()
    yield holders
    holders.close()


@pytest.fixture(scope="package")
def recording() -> bytes:
    """Half a second of a quiet hum as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(b"".join((100 * (n % 80)).to_bytes(2, "little") for n in range(8_000)))
    return file.getvalue()


@pytest.fixture
def talk(tmp_path: Path, recording: bytes) -> Path:
    path = tmp_path / "talk.wav"
    path.write_bytes(recording)
    return path
