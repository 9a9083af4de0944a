"""The keys as web knows them: read from the store at most every other second, so that a request costs no look there."""

import time
from dataclasses import dataclass

import structlog

from jobs.api_key import ApiKey
from jobs.errors import Unavailable
from jobs.keyring import Keyring
from jobs.ledger import Ledger

log = structlog.get_logger()

#: a revoked key is refused after this long, in seconds, and a first key closes the door
FRESH_S = 2.0
#: a store that is away for this long doesn't lock out those whose keys were known
STALE_S = 60.0
#: ids remembered at one time, unknown ones included
MOST_KNOWN = 10_000
#: `last used` is written down this often
USED_EVERY_S = 60.0


@dataclass(slots=True)
class _Known:
    key: ApiKey | None
    read_at: float


class KeyCache:
    """Threads share it; two that read the same key at once do no harm."""

    def __init__(self, keyring: Keyring, ledger: Ledger) -> None:
        self._keyring = keyring
        self._ledger = ledger
        self._known: dict[str, _Known] = {}
        self._used: dict[str, float] = {}
        self._in_use = False
        self._looked_at = -FRESH_S

    def in_use(self) -> bool:
        """Whether requests need a key. Once true it stays so, whatever becomes of the store."""
        now = time.monotonic()
        if not self._in_use and now - self._looked_at >= FRESH_S:
            self._in_use = self._keyring.in_use()
            self._looked_at = now
        return self._in_use

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not. Raises StoreUnavailable where it isn't known well enough."""
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is not None and now - known.read_at < FRESH_S:
            return known.key
        try:
            key = self._keyring.find(key_id)
        except Unavailable:
            if known is None or now - known.read_at > STALE_S:
                raise
            return known.key
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key_id] = _Known(key, now)
        return key

    def touch(self, key: ApiKey) -> None:
        """The key was used: written down to the minute."""
        now = time.monotonic()
        if now - self._used.get(key.id, -USED_EVERY_S) < USED_EVERY_S:
            return
        self._used[key.id] = now
        try:
            self._ledger.key_used(key)
        except Unavailable as error:
            log.warning("key.use_unrecorded", key=key.id, error=error.detail)
