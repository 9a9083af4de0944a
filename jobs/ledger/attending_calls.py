"""Requests that wait for a transcript on an open connection: those for the same audio share one job, and its end."""

from jobs.ledger.calls import Calls

#: after the last request for some audio, the next one finds its job for so long, in seconds
JOINED_FOR_S = 3600
#: between `join` and `create` lies the writing of one small file; who takes longer has died
ENTERING_S = 10.0


class AttendingCalls(Calls):
    def join(self, owner: str, digest: str, job_id: str, request: str, *, lease_s: float) -> tuple[str, bool]:
        """The job that a request is to wait for, and whether it is in the ledger already.

        That is the job of an earlier request of the owner with this digest (of audio and options), if it runs or has
        succeeded; else `job_id`, which the caller must then make, or one that another is making just now.
        """
        found, is_there = self._scripts.run(
            "join", owner, digest, job_id, request, repr(lease_s), JOINED_FOR_S, repr(ENTERING_S)
        )
        return found.decode(), bool(is_there)

    def attend(self, job_id: str, request: str, lease_s: float) -> None:
        """The request waits for the job, for lease_s more."""
        self._scripts.run("attend", job_id, request, repr(lease_s))

    def abandon(self, job_id: str) -> bool:
        """Cancel the job if no request waits for it any more; says whether none does."""
        return bool(self._scripts.run("abandon", job_id))
