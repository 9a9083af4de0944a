"""A request that waits for its job on an open connection. The last one to leave ends the job, after a while."""

import json
import secrets
import threading
import time
from hashlib import blake2b

import structlog

from jobs.errors import JobNotFound, LedgerUnavailable, Unavailable
from jobs.job import JobOptions
from jobs.ledger.attending_calls import ENTERING_S
from jobs.store import Stored
from web.services import Services, current_owner

log = structlog.get_logger()

#: A request that waits is believed to be there for so long after it last said so, in seconds.
LEASE_S = 60.0
RENEW_S = 10.0
LOOK_S = 0.05


class Attendance:
    """`join` makes one; `renew` it while waiting; `leave` where the client goes before the job has ended."""

    def __init__(self, front: Services, job_id: str, request: str) -> None:
        self._front = front
        self.job_id = job_id
        self._request = request
        self._renewed_at = time.monotonic()

    def renew(self) -> None:
        """Cheap to call often. Raises LedgerUnavailable."""
        if time.monotonic() - self._renewed_at >= RENEW_S:
            self._front.ledger.attend(self.job_id, self._request, LEASE_S)
            self._renewed_at = time.monotonic()

    def leave(self) -> None:
        """The client has gone. Its own next attempt, or another's, may join until the grace is over."""
        grace_s = self._front.settings.transcription_grace_s
        try:
            self._front.ledger.attend(self.job_id, self._request, grace_s)
        except LedgerUnavailable:
            return  # the job goes on; nobody is hurt
        timer = threading.Timer(grace_s + 0.1, self._abandon)
        timer.daemon = True  # a front end that ends leaves the job alone
        timer.start()

    def _abandon(self) -> None:
        try:
            if self._front.ledger.abandon(self.job_id):
                log.info("transcription.abandoned", job_id=self.job_id)
        except LedgerUnavailable as error:
            log.warning("transcription.not_abandoned", job_id=self.job_id, error=error.detail)


def join(front: Services, job_id: str, stored: Stored, filename: str, options: JobOptions) -> Attendance:
    """Wait for the job that an earlier request of the owner made of the same audio, or make one of this upload.

    Raises as Submissions.accept does.
    """
    owner, request = current_owner(), secrets.token_hex(8)
    chosen = [stored.sha256, options.model, options.language, options.task, options.timestamps]
    digest = blake2b(json.dumps(chosen).encode(), digest_size=16).hexdigest()
    try:
        found, is_there = front.ledger.join(owner, digest, job_id, request, lease_s=LEASE_S)
    except LedgerUnavailable:
        front.submissions.discard(job_id)
        raise
    if found == job_id:
        front.submissions.accept(job_id, stored, filename=filename, options=options, owner=owner)
    else:
        front.submissions.discard(job_id)
        log.info("transcription.joined", job_id=found)
        if not is_there:
            _wait_until_it_is_there(front, found)
    return Attendance(front, found, request)


def _wait_until_it_is_there(front: Services, job_id: str) -> None:
    deadline = time.monotonic() + ENTERING_S
    while time.monotonic() < deadline:
        try:
            front.ledger.job(job_id)
        except JobNotFound:
            time.sleep(LOOK_S)
        else:
            return
    raise Unavailable("the request that was making the job has died")
