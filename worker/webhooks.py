"""Webhooks on their way out: due deliveries are claimed, signed, sent and reported, beside the work of a CPU worker."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import structlog
from standardwebhooks import Webhook

from jobs.errors import TingxieError, UrlRefused
from jobs.ledger import Ledger
from jobs.outgoing import redacted
from jobs.settings import Settings
from jobs.store import AudioStore
from jobs.webhook import Attempt, Delivery, DeliveryState, Secrets, event_body
from worker.outgoing import Limits, Outgoing, RequestFailed, retry_after_s

log = structlog.get_logger()

#: of one process; a receiver that hangs takes some of them for as long as an attempt may last, not all
AT_ONCE = 4
AT_ONCE_TO_ONE = 2
CONNECT_S = 5.0
#: the secrets and the report come on top of a request, which has its timeout for everything
GRACE_S = 6.0
JITTER = 0.1
LONGEST_PAUSE_S = 86_400.0

RETRY = "retry"


class NoSecret(Exception):
    """The owner has nothing to sign with."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery: a terminal state, or `retry` after pause_s."""

    outcome: str
    pause_s: float = 0.0


def verdict(status: int | None, attempts: int, schedule: Sequence[float], asked_s: float = 0.0) -> Verdict:
    """After this attempt. attempts: those before it. asked_s: what Retry-After says, heeded with 429 and 503.

    schedule: pauses before the first attempt, the second, and so on. 2xx is success, 410 ends it for all of them, and
    anything else, 3xx too, is a failure.
    """
    if status is not None and HTTPStatus(200) <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Verdict(DeliveryState.DELIVERED)
    if status == HTTPStatus.GONE:
        return Verdict(DeliveryState.DISABLED)
    if attempts + 1 >= len(schedule):
        return Verdict(DeliveryState.FAILED)
    heeded_s = asked_s if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE) else 0.0
    return Verdict(RETRY, min(max(schedule[attempts + 1], heeded_s), LONGEST_PAUSE_S))


class Webhooks:
    """`deliver` is called again and again (Periodic); each attempt has a thread of its own."""

    def __init__(
        self, ledger: Ledger, store: AudioStore, settings: Settings, outgoing: Outgoing, *, incarnation: str
    ) -> None:
        self._ledger = ledger
        self._secrets = Secrets(store)
        self._settings = settings
        self._outgoing = outgoing
        self._incarnation = incarnation
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._receivers: Counter[str] = Counter()
        self._counting = threading.Lock()

    def deliver(self) -> None:
        """Begin attempts, as many as are due and may run at once. Raises LedgerUnavailable."""
        attempt_s = self._settings.webhook_timeout_s + GRACE_S
        while self._free.acquire(blocking=False):
            delivery = None
            try:
                busy = [receiver for receiver, count in self._receivers.items() if count >= AT_ONCE_TO_ONE]
                claim_id = uuid.uuid4().hex
                delivery = self._ledger.claim_delivery(self._incarnation, claim_id, attempt_s=attempt_s, busy=busy)
            finally:
                if delivery is None:
                    self._free.release()
            if delivery is None:
                return
            self._count(delivery, 1)
            threading.Thread(target=self._run, args=(delivery,), name="webhook", daemon=True).start()

    def stop(self, timeout_s: float) -> None:
        """Wait for attempts in hand; one that isn't waited for is made again by another process."""
        deadline = time.monotonic() + timeout_s
        for _ in range(AT_ONCE):
            self._free.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def _run(self, delivery: Delivery) -> None:
        try:
            self._attempt(delivery)
        except TingxieError as error:
            # Redis or the store is away: the lease ends, and the delivery is due again.
            log.warning("webhook.unreported", delivery=delivery.id, reason=error.type, detail=error.detail)
        except Exception:
            log.exception("webhook.crashed", delivery=delivery.id)
        finally:
            self._count(delivery, -1)
            self._free.release()

    def _count(self, delivery: Delivery, by: int) -> None:
        """So many attempts more to its receiver; the table is replaced, so whoever reads it needs no lock."""
        with self._counting:
            counts = Counter(self._receivers)
            counts[delivery.receiver] += by
            self._receivers = +counts

    def _attempt(self, delivery: Delivery) -> None:
        at, began = time.time(), time.monotonic()
        status, asked_s, problem = None, 0.0, ""
        try:
            status, asked_s = self._send(delivery)
        except (RequestFailed, NoSecret) as error:
            problem = str(error)
        except UrlRefused as error:
            problem = error.detail
        found = verdict(status, delivery.attempts, self._settings.webhook_schedule, asked_s)
        if status is not None and found.outcome != DeliveryState.DELIVERED:
            problem = f"the receiver answered {status}"
        attempt = Attempt(at=at, duration_s=round(time.monotonic() - began, 3), status=status, error=problem)
        pause_s = found.pause_s * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (no secret)
        self._ledger.report_delivery(delivery, found.outcome, attempt, pause_s=pause_s)
        log.info(
            "webhook.attempted",
            delivery=delivery.id,
            job_id=delivery.job.id if delivery.job else None,
            url=redacted(delivery.url),
            status=status,
            outcome=str(found.outcome),
            reason=problem,
        )

    def _send(self, delivery: Delivery) -> tuple[int, float]:
        """The receiver's status, and what it asks for in Retry-After."""
        body = event_body(delivery, self._settings.public_url)
        headers = {"Content-Type": "application/json", **self._signature(delivery, body)}
        timeout_s = self._settings.webhook_timeout_s
        limits = Limits(min(CONNECT_S, timeout_s), timeout_s, timeout_s)
        with self._outgoing.request("POST", delivery.url, headers=headers, body=body, limits=limits) as answer:
            return answer.status, retry_after_s(answer.headers)

    def _signature(self, delivery: Delivery, body: bytes) -> Mapping[str, str]:
        now = datetime.now(UTC)
        signing = self._secrets.in_force(delivery.owner)
        if not signing:
            raise NoSecret("there is no secret to sign with; make one by POST /v1/webhooks/secrets")
        signed = [Webhook(each.secret.secret).sign(delivery.id, now, body.decode()) for each in signing]
        return {
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": " ".join(signed),
        }
