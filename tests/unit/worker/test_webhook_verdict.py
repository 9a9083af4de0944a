"""What becomes of a delivery after an attempt."""

import pytest

from jobs.settings import Settings
from worker.webhooks import Verdict, verdict

SCHEDULE = (0.0, 5.0, 300.0)


@pytest.mark.parametrize(
    ("status", "attempts", "asked_s", "expected"),
    [
        (200, 0, 0.0, Verdict("delivered")),
        (204, 2, 0.0, Verdict("delivered")),
        (410, 0, 0.0, Verdict("disabled")),
        (302, 0, 0.0, Verdict("retry", 5.0)),
        (500, 1, 0.0, Verdict("retry", 300.0)),
        (None, 0, 0.0, Verdict("retry", 5.0)),
        (None, 2, 0.0, Verdict("failed")),
        (400, 2, 0.0, Verdict("failed")),
        (503, 0, 60.0, Verdict("retry", 60.0)),
        (429, 0, 1.0, Verdict("retry", 5.0)),
        (500, 0, 60.0, Verdict("retry", 5.0)),
        (429, 0, 1e9, Verdict("retry", 86_400.0)),
    ],
)
def test_verdicts(status: int | None, attempts: int, asked_s: float, expected: Verdict) -> None:
    assert verdict(status, attempts, SCHEDULE, asked_s) == expected


def test_the_schedule_is_that_of_the_specification() -> None:
    """0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h."""
    assert Settings().webhook_schedule == (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
    with pytest.raises(ValueError, match="pauses"):
        Settings(webhook_schedule_s="5,-1")
