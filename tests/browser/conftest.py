"""A browser, and the service with the fake model: a front end, a transcribe worker, a prepare worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from jobs.settings import Settings
from tests.browser.chromium import chromium
from tests.support.service import Service, service
from tingxie.redis_server import RedisServer


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def running(browser: Browser, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("page")
    settings = Settings(redis_url=redis_server.url, data_dir=folder / "data")
    with service(settings, folder, web=True, allowed_hosts="127.0.0.2/32") as started:
        yield started
