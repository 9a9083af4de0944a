"""Hours of audio per day and month: charged once, when known; refused when used up; whose they are."""

from datetime import UTC, date, datetime, timedelta

import pytest
from redis import Redis

from jobs.api_key import ApiKey, Scope
from jobs.errors import QuotaUsedUp
from jobs.ledger import Ledger, keys
from tests.support import ledger as given

#: a job of 4 windows of ten seconds
LENGTH_H = 40 / 3600


def key(**quotas: float) -> ApiKey:
    return ApiKey(
        id="k",
        name="",
        owner="local",
        scopes=frozenset(Scope),
        secret_sha256="",
        created_at=0.0,
        **quotas,  # type: ignore[arg-type]
    )


def today() -> int:
    return (datetime.now(UTC).date() - date(1970, 1, 1)).days


def charged_h(redis: Redis) -> dict[int, float]:
    """By day since the epoch."""
    return {int(day): int(ms) / 3_600_000 for day, ms in redis.hgetall(keys.key("usage", owner="local")).items()}


def test_a_job_is_charged_once_when_its_length_is_known(ledger: Ledger, redis: Redis) -> None:
    ledger.announce(given.spec())
    ledger.create(given.request("waits"))
    assert charged_h(redis) == {}
    ledger.delete("waits")
    given.prepared_job(ledger, 4)
    assert charged_h(redis) == {today(): pytest.approx(LENGTH_H)}


@pytest.mark.parametrize("which", ["day", "month"])
def test_used_up(ledger: Ledger, which: str) -> None:
    ledger.key_used(key(**{f"hours_per_{which}": LENGTH_H}))
    ledger.check_caps("local")
    given.prepared_job(ledger, 4)
    for ask in (lambda: ledger.create(given.request()), lambda: ledger.check_caps("local")):
        with pytest.raises(QuotaUsedUp, match=which) as refused:
            ask()
        now = datetime.now(UTC)
        ends = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
        if which == "month":
            ends = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=UTC)
        assert abs(int(refused.value.headers["Retry-After"]) - (ends - now).total_seconds()) < 30
    ledger.create(given.request(owner="other"))
    ledger.key_used(key())
    ledger.create(given.request())


def test_what_waits_counts(ledger: Ledger) -> None:
    ledger.key_used(key(hours_per_day=0.001))
    ledger.create(given.request(size_bytes=32_000 * 60, sha256="a" * 64))
    with pytest.raises(QuotaUsedUp):
        ledger.create(given.request(sha256="b" * 64))


def test_what_shares_earlier_work_costs_nothing(ledger: Ledger) -> None:
    ledger.key_used(key(hours_per_day=0.001))
    first = given.request(size_bytes=32_000 * 60, sha256="a" * 64)
    ledger.create(first)
    with pytest.raises(QuotaUsedUp):
        ledger.create(given.request(sha256="b" * 64))
    again = ledger.create(given.request(size_bytes=32_000 * 60, sha256="a" * 64))
    assert again.deduplicated_from == first.id


def test_the_month_began(ledger: Ledger, redis: Redis) -> None:
    """quota.lua's calendar against Python's, over a leap year and the turn of a century."""
    source = ledger._scripts._scripts["quota"].script
    prelude = source[: source.index("-- Charge a job's owner with")]
    days = [(date(year, 1, 1) - date(1970, 1, 1)).days + n for year in (2027, 2028, 2100) for n in range(366)]
    asked = redis.eval(
        f"{prelude}\nlocal r = {{}} for i, d in ipairs(ARGV) do r[i] = month_began(d) end return r", 0, *days
    )
    for day, began in zip(days, asked, strict=True):  # type: ignore[arg-type]
        assert date(1970, 1, 1) + timedelta(days=began) == (date(1970, 1, 1) + timedelta(days=day)).replace(day=1)
