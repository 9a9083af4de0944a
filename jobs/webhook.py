"""Webhooks as both sides see them: a delivery, its attempts, the event that is sent, the secrets that sign it.

After Standard Webhooks 1.0. The deliveries are in the ledger, the secrets in the audio store, as API keys are: a Redis
that begins anew must not take them along.
"""

import base64
import hashlib
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from jobs.errors import ObjectMissing
from jobs.job import Job
from jobs.store import AudioStore, layout

#: of a body, by the specification's advice; metadata goes first where a record is larger
MAX_BODY_BYTES = 20_000
SECRET_BYTES = 24
PREFIX = "whsec_"
#: by default an old secret goes on signing for a day beside a new one
OVERLAP_S = 86_400.0


class DeliveryState(StrEnum):
    #: an attempt is due, now or later
    PENDING = "pending"
    #: the receiver said 2xx
    DELIVERED = "delivered"
    #: the last attempt failed
    FAILED = "failed"
    #: the receiver said 410 to this one or to one before it
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery. job: the ended job's record; None for a test. attempts: those made in this round."""

    id: str
    fence: int
    owner: str
    url: str
    type: str
    created_at: float
    attempts: int
    job: Job | None

    @property
    def receiver(self) -> str:
        """Scheme, host and port of the URL, as they are written there (claim_delivery.lua)."""
        found = re.match(r"[A-Za-z]+://[^/?#]*", self.url)
        return found[0] if found else ""


class Attempt(BaseModel):
    """One attempt, as the log keeps it. What a receiver answers besides its status is kept nowhere."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    at: float = Field(description="Time of day at its start.")
    duration_s: float
    status: int | None = Field(description="The receiver's answer; null where there was none.")
    error: str = Field("", description="Why it failed.")


class DeliveryRecord(BaseModel):
    """A delivery as its owner sees it."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)

    id: str = Field(description="The `webhook-id` of every attempt.")
    job_id: str | None = Field(description="Null for a test.")
    type: str = Field(examples=["job.succeeded"])
    url: str
    state: DeliveryState
    attempts: int = Field(description="Made in this round; a replay begins another one.")
    created_at: float
    next_at: float | None = Field(description="When the next attempt is due.")
    ended_at: float | None


def event_body(delivery: Delivery, public_url: str = "") -> bytes:
    """The same bytes at every attempt: `{type, timestamp, data}`, under 20 kB."""
    happened = datetime.fromtimestamp(delivery.created_at, UTC).isoformat(timespec="milliseconds")
    event = {"type": delivery.type, "timestamp": happened.replace("+00:00", "Z")}
    job = delivery.job
    if job is None:
        return _encoded({**event, "data": {}})
    path = f"{public_url}/v1/jobs/{job.id}"
    links = {"self": path, "transcript": f"{path}/transcript"}
    data = {**job.model_dump(mode="json", exclude={"partial_text"}), "links": links}
    for large in ("metadata", "warnings", "source_url"):
        body = _encoded({**event, "data": data})
        if len(body) <= MAX_BODY_BYTES:
            return body
        data = {name: value for name, value in data.items() if name != large} | {"shortened": True}
    return _encoded({**event, "data": data})


def _encoded(event: dict[str, object]) -> bytes:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


class Secret(BaseModel):
    """A signing secret as the store keeps it. overlap_s: how long the one before it goes on signing."""

    model_config = ConfigDict(frozen=True)

    id: str
    secret: str
    created_at: float
    overlap_s: float = OVERLAP_S

    @property
    def masked(self) -> str:
        return f"{self.secret[: len(PREFIX) + 2]}…{self.secret[-2:]}"


@dataclass(frozen=True, slots=True)
class Signing:
    """One secret in force. expires_at: None for the newest."""

    secret: Secret
    expires_at: float | None


class Secrets:
    """The secrets of owners, one synced object each. Every call raises StoreUnavailable where the store is away."""

    def __init__(self, store: AudioStore) -> None:
        self._store = store

    def in_force(self, owner: str) -> list[Signing]:
        """The newest secret, then the one before it while their overlap lasts; the rest is removed."""
        found = sorted(self._read(owner), key=lambda each: each.created_at, reverse=True)
        signing = [Signing(secret, None) for secret in found[:1]]
        if len(found) > 1:
            expires_at = found[0].created_at + found[0].overlap_s
            if expires_at > time.time():
                signing.append(Signing(found[1], expires_at))
        kept = {each.secret.id for each in signing}
        for old in found:
            if old.id not in kept:
                self._store.delete(layout.webhook_secret(_folder(owner), old.id))
        return signing

    def create(self, owner: str, *, overlap_s: float = OVERLAP_S) -> Secret:
        """A new secret, durable; the one before it goes on signing for a while."""
        text = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
        secret = Secret(id=uuid.uuid4().hex, secret=text, created_at=time.time(), overlap_s=overlap_s)
        name = layout.webhook_secret(_folder(owner), secret.id)
        self._store.write(name, [secret.model_dump_json().encode()], sync=True)
        return secret

    def delete(self, owner: str, secret_id: str) -> bool:
        """It signs nothing any more. False if there is no such secret in force."""
        if secret_id not in {each.secret.id for each in self.in_force(owner)}:
            return False
        self._store.delete(layout.webhook_secret(_folder(owner), secret_id))
        return True

    def _read(self, owner: str) -> list[Secret]:
        found = []
        for each in list(self._store.list(layout.webhook_secrets(_folder(owner)))):
            if each.name.endswith(".json"):
                try:
                    found.append(Secret.model_validate_json(self._store.read(each.name)))
                except ObjectMissing:  # removed while we looked
                    continue
        return found


def _folder(owner: str) -> str:
    """An owner's name may be any text; a folder's may not."""
    return hashlib.sha256(owner.encode()).hexdigest()[:32]
