"""Requests under an idempotency key: who is at it, what was asked, and what was answered, for a day."""

from dataclasses import dataclass

from jobs.ledger.calls import Calls

#: a request that has died lets go of its key after this long, in seconds; a living one renews it
HOLD_S = 30
#: a finished one's answer is repeated for this long, in seconds
KEEP_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request: `digest` is its key's, `token` its own."""

    owner: str
    digest: str
    token: str


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of earlier requests under a key. status 0: none has been answered for good.

    held: another is at it. creates: the id of what an earlier one was about to create, and perhaps did.
    """

    held: bool
    fingerprint: str
    creates: str
    status: int
    headers: bytes
    body: bytes


class AttemptCalls(Calls):
    def begin_attempt(self, attempt: Attempt) -> Earlier:
        """Hold the key, unless another request does or its answer is known."""
        held, fingerprint, creates, status, headers, body = self._scripts.run(
            "attempt_begin", attempt.owner, attempt.digest, attempt.token, HOLD_S * 1000
        )
        return Earlier(bool(held), fingerprint.decode(), creates.decode(), int(status or 0), headers, body)

    def renew_attempt(self, attempt: Attempt) -> bool:
        """Whether the request still holds its key."""
        return bool(
            self._scripts.run("attempt_renew", attempt.owner, attempt.digest, attempt.token, HOLD_S * 1000),
        )

    def tell_attempt(self, attempt: Attempt, fingerprint: str, creates: str) -> bool:
        """Remember the payload and the id of what will be created. False if the key is held no more."""
        return bool(
            self._scripts.run(
                "attempt_tell", attempt.owner, attempt.digest, attempt.token, fingerprint, creates, KEEP_S
            )
        )

    def end_attempt(self, attempt: Attempt, *, status: int = 0, headers: bytes = b"", body: bytes = b"") -> None:
        """Let go of the key, with an answer that is repeated from here on, or without one."""
        self._scripts.run(
            "attempt_end", attempt.owner, attempt.digest, attempt.token, status or "", headers, body, KEEP_S
        )
