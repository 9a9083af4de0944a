"""A front end on a Redis of its own, with workers where a measurement wants them: the processes that tests start."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jobs.settings import Settings
from tests.support.service import Service, service
from tingxie import redis_server


@contextmanager
def front_end(folder: Path, *, transcribers: int = 0, preparers: int = 0, **options: Any) -> Iterator[Service]:
    """All of it in the folder, stopped at the end. options: as `service` takes them."""
    redis = redis_server.start(folder / "redis")
    settings = Settings(redis_url=redis.url, data_dir=folder / "data")
    counts: dict[str, Any] = {"transcribers": transcribers, "preparers": preparers}
    try:
        with service(settings, folder / "logs", web=True, log_level="info", **counts, **options) as running:
            yield running
    finally:
        redis.stop()
