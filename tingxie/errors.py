"""The errors of the client and of `tingxie up`.

    TingxieClientError
    ├── ServerUnreachable     no answer at this address, or the server says that it is unavailable
    ├── RequestRefused        the server answered 4xx: its problem+json is in `problem`
    │   ├── KeyRefused        401: no API key was sent, or none that is valid
    │   ├── RateLimited       429: too many requests or too much audio; `retry_after_s` says when to come back
    │   ├── UploadElsewhere   409, 423: an upload's offset isn't what was thought, or another request holds it
    │   ├── JobUnknown        404
    │   └── JobNotEnded       409: the transcript isn't there yet
    ├── JobEndedBadly         waited for a transcript, but the job failed or was cancelled
    ├── ServerFault           5xx, or an answer that isn't this API's
    ├── InputMissing          a file or folder of the command line isn't there or can't be read
    ├── ResultUnwritable      a transcript can't be written where it was asked for
    └── StackError            `tingxie up` or `join` can't start or go on: one line for the operator
        └── JoinRefused       the front end doesn't let this machine join, however often it is asked

Every error knows what happened (`str`), what to do (`remedy`, possibly empty) and the exit status of the command line.
"""

from typing import ClassVar

from tingxie.exits import Exit
from tingxie.records import Job, Problem


class TingxieClientError(Exception):
    exit_status: ClassVar[Exit] = Exit.SOME_FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.remedy = remedy


class ServerUnreachable(TingxieClientError):
    """`retry_after_s`: when the server said it would be worth asking again; None where nobody answered."""

    exit_status = Exit.UNREACHABLE

    def __init__(self, message: str, *, remedy: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after_s = retry_after_s


class RequestRefused(TingxieClientError):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence, remedy=problem.remedy)
        self.problem = problem


class KeyRefused(RequestRefused):
    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.remedy = "Give an API key with --key or TINGXIE_API_KEY; the service's operator makes one."


class RateLimited(RequestRefused):
    def __init__(self, problem: Problem, retry_after_s: float | None) -> None:
        super().__init__(problem)
        self.retry_after_s = retry_after_s


class UploadElsewhere(RequestRefused):
    #: nothing says when; a request that holds the upload ends within seconds
    retry_after_s: float | None = None


class JobUnknown(RequestRefused):
    exit_status = Exit.NOT_FOUND


class JobNotEnded(RequestRefused):
    exit_status = Exit.NOT_READY


class JobEndedBadly(TingxieClientError):
    def __init__(self, job: Job) -> None:
        problem = job.problem
        super().__init__(
            problem.sentence if problem else f"the job was {job.state}", remedy=problem.remedy if problem else ""
        )
        self.job = job


class ServerFault(TingxieClientError):
    pass


class InputMissing(TingxieClientError):
    exit_status = Exit.USAGE


class ResultUnwritable(TingxieClientError):
    pass


class StackError(TingxieClientError):
    pass


class JoinRefused(StackError):
    exit_status = Exit.CONFIGURATION
