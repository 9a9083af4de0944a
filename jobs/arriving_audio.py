"""A job's audio that is stored while its upload arrives, beside the parts that survive a broken connection."""

from collections.abc import Iterable, Iterator
from functools import partial

from jobs.belt import Belt
from jobs.store import Stored
from jobs.submission import Submissions


class ArrivingAudio(Belt[Stored]):
    """`with ArrivingAudio(…) as audio:` nothing of it stays unless `stored` is asked for.

    So the job's first text waits for no copy of the upload, which takes seconds for a gigabyte.
    """

    def __init__(self, submissions: Submissions, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(partial(submissions.receive, job_id), "arriving-audio")

    def passing(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The same pieces, stored as they pass."""
        for piece in pieces:
            self.lay(piece)
            yield piece

    def stored(self) -> Stored:
        """Of all that has passed; waits until it is durable. Raises what Submissions.receive raises."""
        return self.end()
