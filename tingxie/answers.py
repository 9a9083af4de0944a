"""Reads the server's answers: a record where it did what was asked, an error of ours where it didn't."""

from dataclasses import replace
from typing import Any

import httpx

from tingxie.errors import (
    JobNotEnded,
    JobUnknown,
    KeyRefused,
    RateLimited,
    RequestRefused,
    ServerFault,
    ServerUnreachable,
    UploadElsewhere,
)
from tingxie.records import Job, JobPage, Problem
from tingxie.standing import Standing
from tingxie.transcript import Transcript

_UNAUTHORIZED = 401
_NOT_FOUND = 404
_CONFLICT = 409
_TOO_MANY = 429
_UNAVAILABLE = 503
_ELSEWHERE = ("upload-offset-mismatch", "upload-locked")
#: what reading a document of another shape raises
_NOT_OURS = (AttributeError, KeyError, TypeError, ValueError)


def checked(answer: httpx.Response) -> httpx.Response:
    """The answer itself where it is 2xx; else raises the error that fits."""
    if answer.is_success:
        return answer
    problem = _problem(answer)
    if answer.status_code == _UNAVAILABLE:
        raise ServerUnreachable(problem.sentence, remedy=problem.remedy, retry_after_s=_retry_after_s(answer))
    if answer.status_code == _TOO_MANY:
        raise RateLimited(problem, _retry_after_s(answer))
    if answer.is_client_error:
        raise _refusal(answer.status_code, problem)
    raise ServerFault(f"the server answered {answer.status_code}: {problem.sentence}", remedy=problem.remedy)


def job_of(answer: httpx.Response) -> Job:
    try:
        return Job.from_json(answer.json())
    except _NOT_OURS as error:
        raise _foreign(answer) from error


def begun_of(answer: httpx.Response, size_bytes: int) -> Standing:
    """Of the answer to an upload's creation."""
    if not answer.headers.get("Location"):
        raise _foreign(answer)
    return Standing(answer.headers["Location"], size_bytes, 0)


def standing_of(answer: httpx.Response, before: Standing) -> Standing:
    try:
        offset = int(answer.headers["Upload-Offset"])
    except _NOT_OURS as error:
        raise _foreign(answer) from error
    return replace(before, offset=offset, job_id=answer.headers.get("Tingxie-Job", "").rpartition("/")[2])


def page_of(answer: httpx.Response) -> JobPage:
    try:
        body = answer.json()
        return JobPage(tuple(Job.from_json(job) for job in body["jobs"]), body.get("next_cursor") or "")
    except _NOT_OURS as error:
        raise _foreign(answer) from error


def document_of(answer: httpx.Response) -> dict[str, Any]:
    try:
        return dict(answer.json())
    except _NOT_OURS as error:
        raise _foreign(answer) from error


def transcript_of(answer: httpx.Response) -> Transcript:
    try:
        return Transcript.from_json(answer.json())
    except _NOT_OURS as error:
        raise _foreign(answer) from error


def _retry_after_s(answer: httpx.Response) -> float | None:
    """Retry-After in its form of seconds, the one that this API uses."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None


def _refusal(status: int, problem: Problem) -> RequestRefused:
    if status == _UNAUTHORIZED:
        return KeyRefused(problem)
    if status == _NOT_FOUND:
        return JobUnknown(problem)
    if status == _CONFLICT and problem.type.endswith("transcript-not-ready"):
        return JobNotEnded(problem)
    if problem.type.endswith(_ELSEWHERE):
        return UploadElsewhere(problem)
    return RequestRefused(problem)


def _problem(answer: httpx.Response) -> Problem:
    try:
        body: Any = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict) or "title" not in body:
        body = {"title": f"HTTP {answer.status_code} {answer.reason_phrase}"}
    return Problem.from_json(body)


def _foreign(answer: httpx.Response) -> ServerFault:
    return ServerFault(
        f"{answer.request.url} answered something that isn't this API's",
        remedy="Check that --server or TINGXIE_URL is the address of a tingxie server.",
    )
