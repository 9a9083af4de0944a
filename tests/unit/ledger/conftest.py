"""Leases that lapse only where a test says so (`given.lapse`), however slow the machine is."""

import pytest

from jobs.settings import Settings


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"lease_s": 1000.0})
