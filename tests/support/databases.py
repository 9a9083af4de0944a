"""Databases of the tests' Redis beside the first one, which every test empties."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

#: Redis's default for `databases`
DATABASES = 16


class Databases:
    """For services that outlive a test: one each, so that they never meet another's jobs or have theirs flushed."""

    def __init__(self, url: str) -> None:
        self._server = url.rpartition("/")[0]
        self._free = list(range(1, DATABASES))

    @contextmanager
    def one(self) -> Iterator[str]:
        """The URL of an empty database, ours until the block ends."""
        number = self._free.pop()
        try:
            url = f"{self._server}/{number}"
            with Redis.from_url(url) as redis:
                redis.flushdb()
            yield url
        finally:
            self._free.append(number)
