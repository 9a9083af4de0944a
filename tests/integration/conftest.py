"""One running service for the tests that only use it as a client does."""

from collections.abc import Iterator

import pytest

from tests.support.stack import Up


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`tingxie up` with the bundled model and two transcribe workers, for the whole session."""
    up = Up.start(tmp_path_factory.mktemp("service"), "--port", "0", "--workers", "2")
    assert up.url
    yield up
    up.stop()
