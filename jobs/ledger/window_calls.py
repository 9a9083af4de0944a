"""A window's way: claim, commit, and back when it could not be run."""

import json
import uuid

from jobs.errors import Problem, WindowGone
from jobs.ledger import keys
from jobs.ledger.calls import COUNTED_S, Calls
from jobs.ledger.connection import translated
from jobs.ledger.cpu_calls import problem_text
from jobs.ledger.units import Committed, WindowLease, WindowResult
from jobs.window import Window


class WindowCalls(Calls):
    def claim_windows(
        self, incarnation: str, claim_id: str, model_key: str, *, max_windows: int, max_samples: int
    ) -> list[WindowLease]:
        """Up to a batch of windows over all jobs of a model, by fairness: priority, owner, job in turn; one at least.

        max_samples: of all windows together, context included; half of it where two jobs share the batch, and no more
        than a share of what waits (claim_windows.lua). Repeating a claim_id repeats the answer.
        """
        answer = self._scripts.run(
            "claim_windows",
            incarnation,
            claim_id,
            model_key,
            max_windows,
            max_samples,
            repr(self._settings.lease_s),
            self._settings.prepare_ahead_windows / 2,
        )
        if not answer:
            return []
        claimed = json.loads(answer)
        options = {job_id: json.loads(text) for job_id, text in claimed["options"].items()}
        return [
            WindowLease(
                job_id=job_id,
                window=Window.decode(int(index), encoded),
                fence=int(fence),
                suspect=suspect,
                language=options[job_id]["language"],
                task=options[job_id]["task"],
                timestamps=options[job_id]["timestamps"],
                script=options[job_id].get("script"),
            )
            for job_id, index, encoded, fence, suspect in claimed["windows"]
        ]

    def waiting_windows(self, model_key: str) -> int:
        """How many windows of a model nobody has claimed."""
        with translated():
            count = self._redis.hget(keys.key("totals", key=model_key), "claimable")
        return int(count or 0)

    def commit(self, incarnation: str, results: list[WindowResult]) -> Committed:
        """Record finished windows. One that was committed before under the same claim counts as accepted again."""
        arguments: list[str | bytes | int] = [uuid.uuid4().hex, COUNTED_S]
        for result in results:
            lease = result.lease
            arguments += [lease.job_id, lease.window.index, lease.fence, result.payload, result.text]
        accepted, fenced, *completed = self._scripts.run("commit", incarnation, *arguments)
        return Committed(accepted, fenced, [job_id.decode() for job_id in completed])

    def hand_back(self, incarnation: str, units: list[WindowLease]) -> None:
        """Not run, or run without a result through no fault of theirs: claimable again, counts for nothing."""
        arguments = [part for unit in units for part in (unit.job_id, unit.window.index, unit.fence)]
        self._scripts.run("hand_back", incarnation, *arguments)

    def fail_window(self, incarnation: str, lease: WindowLease, problem: Problem, *, alone: bool) -> bool:
        """A forward raised. In company: suspect. Alone: counts as a death, the last of which fails the job (True).

        A lease that isn't the caller's any more changes nothing.
        """
        answer = self._scripts.run(
            "fail_window",
            incarnation,
            lease.job_id,
            lease.window.index,
            lease.fence,
            problem_text(problem),
            int(alone),
            self._settings.max_deaths,
        )
        return bool(answer)

    def window_missing(self, incarnation: str, lease: WindowLease) -> None:
        """Its object is not in the store: prepare writes it again (repair); after max_deaths rounds the job fails."""
        self._scripts.run(
            "window_missing",
            incarnation,
            lease.job_id,
            lease.window.index,
            lease.fence,
            self._settings.max_deaths,
            problem_text(Problem.of(WindowGone())),
        )
