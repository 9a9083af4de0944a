"""What an upload costs the front end's memory doesn't depend on its size, whichever way it comes."""

import pytest

from tests.integration.api.server import WebServer
from tests.support.large_upload import WAYS, grown_bytes, upload

MOST_BYTES = 60_000_000


def check(web: WebServer, way: str, size_bytes: int) -> None:
    upload(web.url, way, 2_000_000)  # what is loaded once is no part of it
    grown, job_id = grown_bytes(web.worker_process(), lambda: upload(web.url, way, size_bytes))
    stored = web.store / "jobs" / job_id / "audio"
    assert stored.stat().st_size == size_bytes
    stored.unlink()
    assert grown < MOST_BYTES, f"{grown / 1e6:.0f} MB more than when idle"


@pytest.mark.parametrize("way", WAYS)
def test_memory_stays_while_a_file_comes_in(web: WebServer, way: str) -> None:
    check(web, way, 150_000_000)


@pytest.mark.full
@pytest.mark.parametrize("way", WAYS)
def test_memory_stays_while_a_large_file_comes_in(web: WebServer, way: str) -> None:
    check(web, way, 1_500_000_000)
