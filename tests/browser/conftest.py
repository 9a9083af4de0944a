"""A browser, and the service with the fake model: a front end, a transcribe worker, a prepare worker."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from jobs.settings import Settings
from tests.browser.chromium import chromium
from tests.support.databases import Databases
from tests.support.service import Service, service


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def running(browser: Browser, databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("page")
    with databases.one() as redis_url:
        settings = Settings(redis_url=redis_url, data_dir=folder / "data")
        with service(settings, folder, web=True, allowed_hosts="127.0.0.2/32") as started:
            yield started
