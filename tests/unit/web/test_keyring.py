"""API keys: kept as hashes in the store, found again, revoked for good; what web remembers of them, and how long."""

from pathlib import Path

import pytest

from jobs import api_key
from jobs.api_key import Scope, split
from jobs.errors import StoreUnavailable
from jobs.keyring import Keyring, Limits
from jobs.ledger import Ledger
from jobs.store import AudioStore, open_store
from web import key_cache
from web.key_cache import KeyCache


@pytest.fixture
def store(tmp_path: Path) -> AudioStore:
    return open_store(f"file://{tmp_path / 'store'}")


@pytest.fixture
def keyring(store: AudioStore) -> Keyring:
    return Keyring(store)


def test_a_key_is_found_by_its_token_and_its_secret_is_nowhere(keyring: Keyring, tmp_path: Path) -> None:
    key, token = keyring.create("mine", [Scope.READ], limits=Limits(hours_per_day=2.0))
    parts = split(token)
    assert parts is not None
    found = keyring.find(parts[0])
    assert found == key
    assert found.matches(parts[1])
    assert not found.matches(parts[1][:-1] + ("0" if parts[1][-1] != "0" else "1"))
    assert (found.owner, found.hours_per_day, found.requests_per_minute) == (key.id, 2.0, None)
    assert parts[1] not in "".join(path.read_text() for path in tmp_path.rglob("*.json"))


@pytest.mark.parametrize("token", ["", "tx_", "tx_1_2", f"tx_{'0' * 12}_{'g' * 64}", f"tx_{'0' * 12}_{'0' * 64}\n"])
def test_what_is_no_token(token: str) -> None:
    assert split(token) is None


@pytest.mark.parametrize(
    ("scopes", "may"),
    [({Scope.READ}, {Scope.READ}), ({Scope.SUBMIT}, {Scope.SUBMIT}), ({Scope.ADMIN}, set(Scope))],
)
def test_scopes(keyring: Keyring, scopes: set[Scope], may: set[Scope]) -> None:
    key, _ = keyring.create("", scopes)
    assert {scope for scope in Scope if key.may(scope)} == may


def test_revoked_is_for_good_and_keys_stay_on(keyring: Keyring) -> None:
    assert not keyring.in_use()
    key, _ = keyring.create("", [Scope.READ])
    first = keyring.revoke(key.id)
    again = keyring.revoke(key.id)
    assert first is not None
    assert first.revoked_at is not None
    assert first == again
    assert keyring.in_use()
    assert keyring.revoke("0" * 12) is None


def test_what_a_crash_left_behind_is_no_key(keyring: Keyring, store: AudioStore) -> None:
    store.write("keys/abc.json.1234.part", [b"{"])
    assert not keyring.in_use()
    assert keyring.all() == []


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Away(Keyring):
    away = False

    def find(self, key_id: str) -> api_key.ApiKey | None:
        if self.away:
            raise StoreUnavailable
        return super().find(key_id)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(key_cache, "time", clock)
    return clock


def test_a_revoked_key_is_known_as_such_within_seconds(keyring: Keyring, ledger: Ledger, clock: Clock) -> None:
    cache = KeyCache(keyring, ledger)
    assert not cache.in_use()
    key, _ = keyring.create("", [Scope.READ])
    assert cache.find(key.id) == key
    keyring.revoke(key.id)
    assert cache.find(key.id) == key
    clock.now += key_cache.FRESH_S
    found = cache.find(key.id)
    assert found is not None
    assert found.revoked_at is not None
    assert cache.in_use()


def test_a_store_that_is_away_for_a_moment_locks_nobody_out(store: AudioStore, ledger: Ledger, clock: Clock) -> None:
    keyring = Away(store)
    cache = KeyCache(keyring, ledger)
    key, _ = keyring.create("", [Scope.READ])
    cache.find(key.id)
    keyring.away = True
    clock.now += key_cache.STALE_S
    assert cache.find(key.id) == key
    clock.now += 1.0
    with pytest.raises(StoreUnavailable):
        cache.find(key.id)
    with pytest.raises(StoreUnavailable):
        cache.find("0" * 12)


def test_last_used_is_written_to_the_minute(keyring: Keyring, ledger: Ledger, clock: Clock) -> None:
    cache = KeyCache(keyring, ledger)
    key, _ = keyring.create("", [Scope.READ])
    cache.touch(key)
    [(key_id, at)] = ledger.keys_used().items()
    assert key_id == key.id
    ledger._redis.delete("tingxie:keys:used")
    cache.touch(key)
    assert ledger.keys_used() == {}
    clock.now += key_cache.USED_EVERY_S
    cache.touch(key)
    assert ledger.keys_used()[key.id] >= at
