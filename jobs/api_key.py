"""An API key: what it may do, whose jobs it sees, and how its secret is checked. The secret itself is never kept."""

import re
import secrets
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest

from pydantic import BaseModel, ConfigDict, Field

#: `tx_` + id + `_` + secret: one word for a double click, and a prefix that secret scanners can look for
_TOKEN = re.compile(r"tx_([0-9a-f]{12})_([0-9a-f]{64})")


class Scope(StrEnum):
    """What a key is for. `admin` includes the others."""

    #: everything that makes, changes or removes something of the owner's
    SUBMIT = "submit"
    #: everything that only looks at the owner's
    READ = "read"
    #: the service's own figures and nobody's jobs: what monitoring and autoscalers read
    METRICS = "metrics"
    #: sees and ends everybody's jobs
    ADMIN = "admin"


class ApiKey(BaseModel):
    """A key as the store keeps it. Jobs belong to `owner`: a new key for an old one's owner sees the same jobs."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    owner: str
    scopes: frozenset[Scope]
    #: SHA-256 of the secret. A slow hash protects what people think up; 256 random bits can't be guessed anyway, and
    #: this is computed for every request.
    secret_sha256: str
    created_at: float
    revoked_at: float | None = None
    requests_per_minute: int | None = Field(None, description="None: the server's setting; 0: no limit.")
    hours_per_day: float | None = Field(None, description="Hours of audio; None: no quota.")
    hours_per_month: float | None = Field(None, description="Hours of audio; None: no quota.")

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def matches(self, secret: str) -> bool:
        """Whether this is its secret, in a time that doesn't depend on how much of it is right."""
        return compare_digest(hashed(secret), self.secret_sha256)


def new_token() -> tuple[str, str, str]:
    """(token, id, secret) of a new key."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return f"tx_{key_id}_{secret}", key_id, secret


def split(token: str) -> tuple[str, str] | None:
    """(id, secret) of what a client sent as its key; None where it can't be one."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def hashed(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
