"""All API keys, in the audio store: one synced object each.

The store alone is the truth, not Redis: a Redis that begins anew must neither lock everybody out nor open the door, and
one that lost its last second must not bring a revoked key back.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.api_key import ApiKey, Scope, hashed, new_token
from jobs.errors import ObjectMissing
from jobs.store import AudioStore, layout


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key is limited to; None leaves requests to the server's setting, and hours unlimited."""

    requests_per_minute: int | None = None
    hours_per_day: float | None = None
    hours_per_month: float | None = None


class Keyring:
    """Every call raises StoreUnavailable where the store is away."""

    def __init__(self, store: AudioStore) -> None:
        self._store = store

    def create(
        self, name: str, scopes: Iterable[Scope], *, owner: str = "", limits: Limits | None = None
    ) -> tuple[ApiKey, str]:
        """A new key, durable, and its token, which nobody can read again. Without an owner it is its own."""
        token, key_id, secret = new_token()
        chosen = limits or Limits()
        key = ApiKey(
            id=key_id,
            name=name,
            owner=owner or key_id,
            scopes=frozenset(scopes),
            secret_sha256=hashed(secret),
            created_at=time.time(),
            requests_per_minute=chosen.requests_per_minute,
            hours_per_day=chosen.hours_per_day,
            hours_per_month=chosen.hours_per_month,
        )
        self._write(key)
        return key, token

    def find(self, key_id: str) -> ApiKey | None:
        """The key of this id, revoked or not."""
        try:
            return ApiKey.model_validate_json(self._store.read(layout.api_key(key_id)))
        except ObjectMissing:
            return None

    def all(self) -> list[ApiKey]:
        """Every key that was ever made, the oldest first."""
        names = [found.name for found in self._store.list(layout.API_KEYS) if found.name.endswith(".json")]
        keys = [ApiKey.model_validate_json(self._store.read(name)) for name in names]
        return sorted(keys, key=lambda key: key.created_at)

    def in_use(self) -> bool:
        """Whether a key was ever made: from then on nothing is open, even if all of them are revoked."""
        return any(found.name.endswith(".json") for found in self._store.list(layout.API_KEYS))

    def revoke(self, key_id: str) -> ApiKey | None:
        """End a key, for good; None where there is no such key. Repeatable."""
        key = self.find(key_id)
        if key is None or key.revoked_at is not None:
            return key
        revoked = key.model_copy(update={"revoked_at": time.time()})
        self._write(revoked)
        return revoked

    def _write(self, key: ApiKey) -> None:
        self._store.write(layout.api_key(key.id), [key.model_dump_json().encode()], sync=True)
